# Who may do what, bucket by bucket. Only the cluster writes the lake; Dagster reads it. (roles/dataproc.worker, which Dataproc
# asks for, has objects of the whole project in it; what the cluster needs is said here all the same.)

locals {
  access = {
    "lake dataproc" = { bucket = google_storage_bucket.lake.name, machine = "dataproc", role = "roles/storage.objectUser" }
    "lake dagster"  = { bucket = google_storage_bucket.lake.name, machine = "dagster", role = "roles/storage.objectViewer" }
    "code dataproc" = { bucket = google_storage_bucket.code.name, machine = "dataproc", role = "roles/storage.objectViewer" }
    # Its log manager checks whether the bucket exists, which the objects' roles do not allow.
    "code dagster sees" = { bucket = google_storage_bucket.code.name, machine = "dagster", role = "roles/storage.legacyBucketReader" }
    "code dagster"      = { bucket = google_storage_bucket.code.name, machine = "dagster", role = "roles/storage.objectUser" }
    "page dagster"      = { bucket = google_storage_bucket.page.name, machine = "dagster", role = "roles/storage.objectUser" }
    "dataproc dataproc" = { bucket = google_storage_bucket.dataproc.name, machine = "dataproc", role = "roles/storage.objectUser" }
  }
}

resource "google_storage_bucket_iam_member" "machine" {
  for_each = local.access

  bucket = each.value.bucket
  role   = each.value.role
  member = "serviceAccount:${var.service_accounts[each.value.machine]}"
}

# Browsers open it at storage.cloud.google.com, where Google asks who they are.
resource "google_storage_bucket_iam_member" "readers_of_page" {
  for_each = toset(var.readers_of_page)

  bucket = google_storage_bucket.page.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
