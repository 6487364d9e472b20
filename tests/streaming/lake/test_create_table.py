import pyarrow as pa
import pytest
from deltalake import write_deltalake

from streaming.exceptions import LakeSchemaDiffers
from streaming.lake.create_table import STATISTICS_COLUMNS, missing_columns
from streaming.lake.layout import COLUMNS, PARTITION_COLUMNS
from streaming.lake.reader import Lake
from streaming.lake.schema import LAKE_SCHEMA


def create(lake: Lake, schema: pa.Schema, partitions: tuple[str, ...] = PARTITION_COLUMNS) -> Lake:
    write_deltalake(lake.table_uri, schema.empty_table(), partition_by=list(partitions))
    return lake


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def test_the_layouts_own_table_lacks_nothing(lake):
    assert missing_columns(lake) == COLUMNS
    assert missing_columns(create(lake, LAKE_SCHEMA)) == ()


def test_a_column_that_the_layout_has_gained_is_to_be_added(lake):
    older = LAKE_SCHEMA.remove(LAKE_SCHEMA.get_field_index("servers"))
    assert [column.name for column in missing_columns(create(lake, older))] == ["servers"]


@pytest.mark.parametrize(
    ("schema", "partitions", "complaint"),
    [
        (LAKE_SCHEMA.append(pa.field("mood", pa.string())), PARTITION_COLUMNS, "column mood is unknown"),
        (LAKE_SCHEMA.set(10, pa.field("first_visitor_id", pa.string())), PARTITION_COLUMNS, "is string, not long"),
        (LAKE_SCHEMA, ("event_type",), "partitioned by event_type, not event_type, event_date, event_hour"),
    ],
)
def test_a_table_that_differs_in_any_other_way_is_refused(lake, schema, partitions, complaint):
    with pytest.raises(LakeSchemaDiffers, match=complaint):
        missing_columns(create(lake, schema, partitions))


def test_statistics_are_kept_of_columns_that_exist():
    assert set(STATISTICS_COLUMNS) <= {column.name for column in COLUMNS}
