# Run the tests on data of their own, never on what `make up` keeps. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."

# In memory, where there is room and programs may run: tests write many small files, each meant to reach the disk.
where=${TMPDIR:-/tmp}
free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ -w /dev/shm ] && [ "${free:-0}" -gt 4000000 ] && ! grep -q ' /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then
	where=/dev/shm
fi
data=$(mktemp -d "$where/lastgood-tests.XXXXXX")
trap 'rm -rf "$data"' EXIT
trap 'exit 130' INT TERM HUP
found=no
for browser in chromium chromium-browser google-chrome; do
	command -v "$browser" >/dev/null && found=yes
done
[ $found = yes ] || echo "Chromium is not installed: tests that drive a browser are skipped (Debian: apt-get install chromium)."
# As /tmp is: some tests act as another user.
chmod 755 "$data"
mkdir -m 1777 "$data/tmp"
TMPDIR=$data/tmp DATA_DIR=$data/var PYTHONPATH=bootstrap${PYTHONPATH:+:$PYTHONPATH} .venv/bin/python -m pytest -p browser_required "$@"
