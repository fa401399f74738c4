"""Certificates that are not trusted: found behind what the transport raises, and told with what to do."""

import ssl

# OpenSSL's numbers; `ssl` names none of them.
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64

_REMEDIES = {
    _NOT_YET_VALID: "Compare the clocks of that server and of this portal.",
    _EXPIRED: "Have it renewed on that server.",
    _OTHER_NAME: "Give the address by the name that it was made for, or have one made for this name.",
    _OTHER_ADDRESS: "Give the address by the name that it was made for, or have one made for this address.",
}
_STRANGER = (
    "Have one from an authority that this portal trusts, or start the portal with SSL_CERT_FILE naming a file "
    "of all the certificates to trust, the one of that server's authority among them."
)


def distrust_behind(problem: BaseException) -> ssl.SSLCertVerificationError | None:
    """Answer the certificate's own error among the problem's causes, None when it is not about a certificate."""
    cause: BaseException | None = problem
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause


def in_words(distrust: ssl.SSLCertVerificationError) -> str:
    """Say why the certificate is not trusted, and what to do."""
    why = str(distrust.verify_message).rstrip(".")
    return f"its certificate is not trusted ({why}). {_REMEDIES.get(distrust.verify_code, _STRANGER)}"
