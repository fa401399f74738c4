# Run every check, show what each found, and fail at the end if one did.
set -u
cd "$(dirname "$0")/.."

data=$(mktemp -d "${TMPDIR:-/tmp}/lastgood-checks.XXXXXX")
trap 'rm -rf "$data"' EXIT
trap 'exit 130' INT TERM HUP
DATA_DIR=$data/var
export DATA_DIR
failed=''

check() {
	name=$1
	shift
	if "$@" >"$data/said" 2>&1; then
		echo "ok      $name"
	else
		echo "FAILED  $name"
		sed 's/^/        /' "$data/said"
		failed="$failed, $name"
	fi
}

check "ruff check" .venv/bin/ruff check .
check "ruff format" .venv/bin/ruff format --check .
check "mypy" .venv/bin/mypy .
if grep -q '^\[tool\.importlinter\]' pyproject.toml; then
	check "layers" .venv/bin/lint-imports
fi
if [ -n "$(find templates -name '*.html' 2>/dev/null | head -n 1)" ]; then
	check "djlint format" .venv/bin/djlint templates --check
	check "djlint lint" .venv/bin/djlint templates --lint
fi
check "settings" .venv/bin/python manage.py check --fail-level WARNING
check "migrations" .venv/bin/python manage.py makemigrations --check --dry-run
check "no hosts named" .venv/bin/python bootstrap/no_hosts.py

if [ -n "$failed" ]; then
	echo "Failed: ${failed#, }."
	exit 1
fi
echo "All checks passed."
