# Run the tests on data of their own, never on what `make up` keeps. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."

data=$(mktemp -d "${TMPDIR:-/tmp}/lastgood-tests.XXXXXX")
trap 'rm -rf "$data"' EXIT
trap 'exit 130' INT TERM HUP
found=no
for browser in chromium chromium-browser google-chrome; do
	command -v "$browser" >/dev/null && found=yes
done
[ $found = yes ] || echo "Chromium is not installed: tests that drive a browser are skipped (Debian: apt-get install chromium)."
DATA_DIR=$data PYTHONPATH=bootstrap${PYTHONPATH:+:$PYTHONPATH} .venv/bin/python -m pytest -p browser_required "$@"
