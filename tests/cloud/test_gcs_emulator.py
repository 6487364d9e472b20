"""What the emulator is taken for: Google's answers to the requests that the lake's lease relies on."""

import pytest
from google.api_core.exceptions import NotFound, PreconditionFailed


def test_of_two_who_create_an_object_one_is_refused_and_a_replaced_one_is_not_replaced_again(gcs):
    client = gcs.emulator.client()
    bucket = client.bucket(gcs.name)
    first = bucket.blob("lease")
    first.upload_from_string("a", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        bucket.blob("lease").upload_from_string("b", if_generation_match=0)
    bucket.blob("lease").upload_from_string("c", if_generation_match=first.generation)
    with pytest.raises(PreconditionFailed):
        bucket.blob("lease").upload_from_string("d", if_generation_match=first.generation)
    assert bucket.blob("lease").download_as_text() == "c"


def test_a_bucket_begins_empty_and_standard_clients_find_it_by_the_environment(gcs):
    from google.cloud import storage

    assert gcs.names() == []
    storage.Client("any").bucket(gcs.name).blob("folder/object").upload_from_string(b"x")
    assert gcs.names("folder/") == ["folder/object"]
    with pytest.raises(NotFound):
        storage.Client("any").bucket(gcs.name).blob("nothing").download_as_bytes()
