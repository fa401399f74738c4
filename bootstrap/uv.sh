# Print a uv that works, made in .tools when there is none. Run from the checkout's root: uv=$(sh bootstrap/uv.sh)
set -eu

# The newest minor versions change what they print, not what we use; below this, locks read differently.
OLDEST=9
BOUND='uv>=0.9,<1'
OURS=.tools/uv

fresh_enough() {
	version=$("$1" --version 2>/dev/null) || return 1
	version=${version#uv }
	case $version in
	0.*) minor=${version#0.} && [ "${minor%%.*}" -ge "$OLDEST" ] ;;
	[1-9]*) true ;;
	*) false ;;
	esac
}

# A pyenv shim may be on PATH and yet refuse, because .python-version asks for one that is not installed.
find_python() {
	without_venv=''
	for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 \
		/usr/bin/python3 /usr/local/bin/python3 "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python3; do
		"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || continue
		if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
			echo "$python"
			return
		fi
		without_venv=${without_venv:-$python}
	done
	if [ -n "$without_venv" ]; then
		echo "$without_venv cannot make environments: install its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2
	else
		echo "Lastgood needs any Python from 3.9 on to set itself up: install python3." >&2
	fi
	return 1
}

if uv=$(command -v uv) && fresh_enough "$uv"; then
	echo "$uv"
	exit
fi
if ! fresh_enough "$OURS/bin/uv"; then
	python=$(find_python)
	echo "Installing uv into $OURS …" >&2
	rm -rf "$OURS"
	"$python" -m venv "$OURS" >&2
	"$OURS/bin/python" -m pip install --quiet --disable-pip-version-check "$BOUND" >&2
fi
# Absolute, so that it can be called from anywhere.
echo "$PWD/$OURS/bin/uv"
