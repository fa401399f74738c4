# Make .venv with everything from requirements-dev.txt and this checkout, or find in milliseconds that it is there.
set -eu
cd "$(dirname "$0")/.."

PYTHONS='3.13 3.12'
STAMP=.venv/lastgood-setup

# What the environment is made from. The folder too: its scripts name it, so a moved checkout starts anew.
made_from() {
	cat requirements-dev.txt pyproject.toml .python-version bootstrap/setup.sh | cksum
	echo "$PWD"
}

# Ours, and not a half-built one: interpreters from source may lack what the server needs.
usable() {
	"$1" -c "import ctypes, sqlite3, ssl, sys
sys.exit(sys.version_info[:2] != (3, ${2#3.}) or sys.version_info.releaselevel != 'final')" 2>/dev/null
}

# Looked for by ourselves first: uv takes pyenv's only where .python-version names one that is installed.
find_interpreter() {
	for version in $PYTHONS; do
		for candidate in "python$version" "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/$version".*/bin/"python$version" \
			"/usr/bin/python$version" "/usr/local/bin/python$version"; do
			if usable "$candidate" "$version"; then
				"$candidate" -c 'import sys; print(sys.executable)'
				return
			fi
		done
	done
}

make_venv() {
	for python in "$(find_interpreter)" $PYTHONS; do
		[ -n "$python" ] || continue
		"$uv" venv --quiet --clear --no-project --no-python-downloads --python "$python" .venv 2>/dev/null && return
	done
	for python in $PYTHONS; do
		"$uv" venv --quiet --clear --no-project --python "$python" .venv && return
	done
	echo "Lastgood needs Python 3.13 or 3.12, and none was found or could be downloaded: install one of them." >&2
	return 1
}

# Where nobody may write at home (a service account), uv keeps its cache here.
choose_cache() {
	cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}
	if [ -z "${UV_CACHE_DIR:-}" ] && ! mkdir -p "$cache/uv" 2>/dev/null; then
		UV_CACHE_DIR=$PWD/.tools/cache
		export UV_CACHE_DIR
	fi
}

wanted=$(made_from)
if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
	exit
fi
echo "Setting up Lastgood in $PWD/.venv: a minute or two the first time …"
unset VIRTUAL_ENV || true
choose_cache
uv=$(sh bootstrap/uv.sh)
rm -f "$STAMP"
# A moved or broken environment cannot be mended: its scripts name the folder it was made in.
if ! { usable .venv/bin/python 3.13 || usable .venv/bin/python 3.12; } || ! grep -qsF "$PWD/.venv" .venv/bin/activate; then
	make_venv
fi
"$uv" pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python requirements-dev.txt
"$uv" pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python --editable .
echo "$wanted" >"$STAMP"
