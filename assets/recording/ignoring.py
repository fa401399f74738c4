"""Labels that do not count: when a deployment's list changes, its versions are told apart by the new list from then on."""

from collections.abc import Iterable

from assets.bodies import opened
from assets.definitions.prints import digest_of, prints_of
from assets.models import AssetChain, AssetVersion
from assets.recording.matching import save_sights

PIECE = 500


def obey(chain: AssetChain, ignored: Iterable[str]) -> None:
    """Digest the chain's versions anew if they were digested under another list. The chain is locked."""
    wanted = sorted(ignored)
    if chain.ignored == wanted:
        return
    labels = frozenset(wanted)
    piece: list[AssetVersion] = []
    for version in AssetVersion.objects.filter(asset__chain=chain).order_by("pk").iterator(chunk_size=PIECE):
        if version.sent:
            sent = opened(version.sent)
            version.sent_digest, version.sent_prints = digest_of(sent, labels), prints_of(sent, labels)
        if version.read:
            read = opened(version.read)
            version.read_digest, version.read_prints = digest_of(read, labels), prints_of(read, labels)
        piece.append(version)
        if len(piece) == PIECE:
            save_sights(piece)
            piece = []
    save_sights(piece)
    # Sets were digested under the old list too: the next one is compared asset by asset.
    chain.sets.update(digest="")
    chain.ignored = wanted
    chain.save(update_fields=["ignored"])
