"""A push is known by what it brings, and what its target puts in place: …"""

import pytest

from deployments.states import DeployKind, DeployStatus
from tests.factories import carry_out, roll_back
from tests.operations.asking import ONE, TWO, push_parts, refusal
from tests.settings.commands import command

pytestmark = [pytest.mark.django_db]

IMAGE = "registry.example/shop:2"


def test_a4_an_image_alone_where_a_command_applies_it(location, tmp_path):
    command(location, tmp_path, f'echo "$LASTGOOD_IMAGE" > {tmp_path}/told')

    made = carry_out(push_parts(location, image=IMAGE))

    assert (made.kind, made.status) == (DeployKind.IMAGE, DeployStatus.SUCCEEDED)
    assert (tmp_path / "told").read_text().strip() == IMAGE
    assert carry_out(push_parts(location, runtime_version="3.1-3")).status == DeployStatus.SUCCEEDED


def test_a4_no_image_alone_where_nothing_applies_it(location):
    refused = refusal(lambda: push_parts(location, image=IMAGE))

    assert refused.code == "nothing_to_put"


def test_a4_image_dags_both_and_dbt_projects(location, tmp_path):
    command(location, tmp_path, ":")

    made = [
        push_parts(location, image=IMAGE),
        push_parts(location, bundles={"dags": ONE}),
        push_parts(location, bundles={"dags": TWO}, image=IMAGE),
        push_parts(location, bundles={"dbt/shop": ONE, "dbt/lake": TWO}),
        push_parts(location, bundles={"dbt/shop": None}),
    ]
    ended = [carry_out(each) for each in made]
    rollback = roll_back(location, 3)

    assert [each.kind for each in ended] == ["image", "dags", "image_and_dags", "dbt", "dbt"]
    assert ended[-1].status == DeployStatus.SUCCEEDED, ended[-1].error
    assert rollback.kind == "rollback"
