# mypy: ignore-errors
"""A versioned DAG bundle of the releases that Lastgood puts in place. For Airflow 3.0 and newer; needs nothing else.

What it does: each DAG run stays on the release that it began with, to its end, whatever is deployed or rolled back
meanwhile; new runs use what is in place; Airflow shows the release of each run. Without it, a run that is under way
goes on with the files that lie behind `current` by then.

Set it up:

1. Copy this file to `$AIRFLOW_HOME/config/` (or anywhere on the PYTHONPATH) of every Airflow process: API server, DAG
   processor, scheduler, triggerer, workers.
2. Let all of them see the code location's folder, the one with `current` and `releases/`, at the same path. They only
   read there.
3. Name it in Airflow's configuration, and restart Airflow:

       [dag_processor]
       dag_bundle_config_list = [{
           "name": "shop",
           "classpath": "lastgood_airflow_bundle.LastgoodBundle",
           "kwargs": {"root": "/srv/lastgood/acme/production/shop", "refresh_interval": 30}}]

4. Tell Lastgood the bundle's name ("shop" here) in the deployment's connection.

Arguments ("kwargs"):

    root              the folder with `current` and `releases/`
    subdir            where in a release the DAGs are; "dags" unless said otherwise. Lastgood verifies deploys by the
                      files of the mount `dags` alone: with another folder here it cannot tell what Airflow has read
    portal_url        Lastgood's own address, and
    place             "organization/deployment/location" there: the version of a DAG then links to its deploy
    refresh_interval  seconds between two looks at `current`, when nobody asks for one; Lastgood asks after each deploy

Keep releases in Lastgood as long as runs may need them: a run whose release is gone fails, and says so.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.dag_processing.bundles.base import BaseDagBundle

try:
    from airflow.dag_processing.bundles.base import BundleVersion
except ImportError:  # Airflow 3.0 to 3.2 take the plain text
    BundleVersion = None


class ReleaseFolder:
    """Where releases come from: a folder of this host, which is never written to."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def in_place(self) -> str:
        """Answer the name of the release that is in place. Raises FileNotFoundError."""
        current = self.root / "current"
        try:
            # Resolved, so that a link to nowhere is an error: Airflow then keeps the DAGs that it has.
            name = current.resolve(strict=True).name
        except FileNotFoundError as absent:
            raise FileNotFoundError(
                f"{current} leads to no release: deploy to this code location, or look whether its folder is mounted here."
            ) from absent
        return self.path_of(name).name

    def path_of(self, name: str) -> Path:
        """Answer the folder of a release. Raises FileNotFoundError."""
        path = self.root / "releases" / name
        # The name comes out of Airflow's database.
        if name in {"", ".", ".."} or "/" in name or not path.is_dir():
            raise FileNotFoundError(
                f"Release {name} is not at {path}: it was purged, or its folder is not mounted here. Clear the run with "
                "“run on latest version” to go on with the release that is in place."
            )
        return path


class LastgoodBundle(BaseDagBundle):
    """The DAGs of what is in place; with a `version`, those of that release, for as long as a run needs them."""

    supports_versioning = True

    def __init__(self, *, root: str, subdir: str = "dags", portal_url: str = "", place: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.releases = ReleaseFolder(root)
        self.subdir = subdir
        self.portal_url = portal_url.rstrip("/")
        self.place = place.strip("/")
        # The processor's path is always the same. It is led to another release by `refresh` alone, so that what is
        # parsed is what the version says, however long ago `current` was moved on.
        self.tracking = self.base_dir / "tracking"

    def initialize(self) -> None:
        """Make the path usable. Raises FileNotFoundError when the release is not here."""
        if self.version:
            self.releases.path_of(self.version)
            # Airflow tidies up below this folder, and stumbles if there is nothing.
            (self.versions_dir / self.version).mkdir(parents=True, exist_ok=True)
        else:
            self.refresh()
        super().initialize()

    def refresh(self) -> None:
        """Take up what is in place now. Raises FileNotFoundError when nothing is: then all stays as it was."""
        if self.version:
            raise RuntimeError(f"{self.name} is pinned to release {self.version}, and never becomes another one.")
        with self.lock():
            release = self.releases.path_of(self.releases.in_place())
            if self._tracked() == str(release):
                return
            self.base_dir.mkdir(parents=True, exist_ok=True)
            coming = self.base_dir / "tracking.coming"
            coming.unlink(missing_ok=True)
            coming.symlink_to(release)
            os.replace(coming, self.tracking)

    def get_current_version(self):
        """Answer the release's name: the pinned one, or the one that was taken up last."""
        name = self.version or self._taken_up()
        return BundleVersion(version=name) if BundleVersion else name

    @property
    def path(self) -> Path:
        """The folder with the DAGs."""
        return (self.releases.path_of(self.version) if self.version else self.tracking) / self.subdir

    def view_url_template(self) -> str | None:
        """Answer where Lastgood shows a version, for Airflow 3.1 and newer; nothing without `portal_url` and `place`."""
        given = getattr(self, "_view_url_template", None)
        return given or (self._deploys_url() + "{version}/" if self._deploys_url() else None)

    def view_url(self, version: str | None = None) -> str | None:
        """Answer where Lastgood shows a version, for Airflow 3.0."""
        return f"{self._deploys_url()}{version}/" if version and self._deploys_url() else None

    def _deploys_url(self) -> str:
        known = self.portal_url and self.place
        return f"{self.portal_url}/deployments/{self.place}/deploys/" if known else ""

    def _taken_up(self) -> str:
        if not self._tracked():
            self.refresh()
        return Path(self._tracked()).name

    def _tracked(self) -> str:
        """Answer where the processor's path leads; nothing when it was never led anywhere."""
        return os.readlink(self.tracking) if self.tracking.is_symlink() else ""
