# Write requirements.txt (the server) and requirements-dev.txt (and what the checks and tests need) from pyproject.toml.
set -eu
cd "$(dirname "$0")/.."

uv=$(sh bootstrap/uv.sh)
compile() {
	"$uv" pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links pyproject.toml --extra server "$@" >/dev/null
}
compile --output-file requirements.txt "$@"
compile --group dev --output-file requirements-dev.txt "$@"
# A lock that names an address would send every other machine there.
! grep -n '://' requirements.txt requirements-dev.txt
