"""The table of the pages: every address outside API, admin and sign-in, with the right that it needs."""

from typing import Any

from tests.matrix.rows import Row

DEPLOYMENT = "/deployments/{org}/{deployment}/"
LOCATION = f"{DEPLOYMENT}{{location}}/"
DEPLOY = f"{LOCATION}deploys/{{number}}/"
# These have a matrix of their own, or belong to a library.
ELSEWHERE = ("/api/", "/admin/", "/accounts/", "/static/")

REASON = {"reason": "Wait."}
BECAUSE = {"description": "Because."}
BACK: dict[str, Any] = {"to": 1, "description": "Bad."}

PAGES = [
    Row("GET", "/livez", "open"),
    Row("GET", "/readyz", "open"),
    Row("GET", "/metrics", "metrics"),
    Row("GET", "/", "signed-in"),
    Row("GET", DEPLOYMENT, "view"),
    Row("GET", LOCATION, "view"),
    Row("GET", f"{LOCATION}rollback/", "roll_back", query="?to=1"),
    Row("GET", f"{LOCATION}rollback/", "roll_back", 404, query="?to=999", case="to what is not there"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 302, BACK),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 400, {"to": 1, "description": ""}, case="no reason"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 409, BACK | {"placed": 1}, case="moved"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 409, BACK, case="busy", location="busy"),
    Row("GET", f"{LOCATION}hold/", "roll_back"),
    Row("POST", f"{LOCATION}holds/", "roll_back", 302, REASON),
    Row("POST", f"{LOCATION}holds/", "roll_back", 400, {"reason": ""}, case="no reason"),
    Row("POST", f"{LOCATION}holds/", "roll_back", 409, REASON, case="held", location="held"),
    Row("POST", f"{LOCATION}resume/", "roll_back", 302, case="held", location="held"),
    Row("POST", f"{LOCATION}resume/", "roll_back", 409, case="not held"),
    Row("GET", f"{LOCATION}assets/", "view"),
    Row("GET", f"{LOCATION}assets/detail/", "view", 404, query="?key=absent", case="of what is not there"),
    Row("GET", f"{LOCATION}assets/detail/", "view", query="?key=orders"),
    Row("GET", f"{LOCATION}assets/changes/", "view", 404, query="?key=absent", case="of what is not there"),
    Row("GET", f"{LOCATION}assets/changes/", "view", query="?key=orders"),
    Row("GET", f"{LOCATION}compare/", "view", 404, query="?from=1&to=999", case="with what is not there"),
    Row("GET", f"{LOCATION}compare/", "view", 400, query="?from=x&to=1", case="with no number"),
    Row("GET", f"{LOCATION}compare/", "view", query="?at=2026-11-20T14:00", case="at a time"),
    Row("GET", f"{LOCATION}compare/", "view", query="?from=1&to=2"),
    Row("GET", f"{DEPLOY}assets/", "view"),
    Row("GET", DEPLOY, "view"),
    Row("GET", DEPLOY, "view", case="of a rollback", number=4),
    Row("GET", f"{DEPLOY}live/", "view"),
    Row("POST", f"{DEPLOY}cancel/", "deploy_to", 302, case="of a push", location="busy", number=3),
    Row("POST", f"{DEPLOY}cancel/", "roll_back", 302, case="of a rollback", location="busy", number=2),
    Row("POST", f"{DEPLOY}cancel/", "deploy_to", 409, case="of what has ended"),
    Row("POST", f"{DEPLOY}retry/", "deploy_to", 302, case="of a push", number=3),
    Row("POST", f"{DEPLOY}retry/", "roll_back", 302, case="of a rollback", number=4),
    Row("POST", f"{DEPLOY}retry/", "deploy_to", 409, case="of what succeeded"),
    Row("POST", f"{DEPLOY}describe/", "deploy_to", 302, BECAUSE, case="of a push"),
    Row("POST", f"{DEPLOY}describe/", "roll_back", 302, BECAUSE, case="of a rollback", number=4),
]
