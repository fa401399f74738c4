"""Lists that cost the same however long a history is: counted up to a bound, and narrowed by filters beyond it."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

# Nobody leafs through more; counting on would read the whole history for a number that nobody needs.
MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic for the type checker only
    """Pages of the first rows."""

    @cached_property
    def counted(self) -> int:
        """Count the rows, but not beyond one more than the bound."""
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by()[: MOST_COUNTED + 1].count())
        return len(rows)

    @cached_property
    def count(self) -> int:
        """Answer how many rows can be reached."""
        return min(self.counted, MOST_COUNTED)

    @property
    def is_cut(self) -> bool:
        """Say whether there are more rows than can be reached."""
        return self.counted > MOST_COUNTED
