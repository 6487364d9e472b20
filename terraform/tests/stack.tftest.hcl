# The whole stack, planned and applied with a mock provider. Run by tests/terraform, and by hand:
# terraform init -backend=false && terraform test

mock_provider "google" {
  mock_resource "google_compute_address" {
    defaults = {
      address = "10.40.0.9"
    }
  }

  # Of the forms that the provider asks for where they are used.
  mock_resource "google_service_account" {
    defaults = {
      email  = "machine@an-empty-project.iam.gserviceaccount.com"
      member = "serviceAccount:machine@an-empty-project.iam.gserviceaccount.com"
      name   = "projects/an-empty-project/serviceAccounts/machine@an-empty-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project    = "an-empty-project"
  release    = "0.1.0"
  first_hour = "2026-12-01T00:00:00Z"
  operators  = ["user:ada@example.org"]
  viewers    = ["group:guests@example.org"]
  tuning     = { reload-minutes = 30, bigquery-maximum-bytes-billed = 100000000000 }
}

run "the_default_stack" {
  assert {
    condition     = output.lake_uri == "gs://an-empty-project-ticketsim-lake/lake"
    error_message = "The lake's root is ${output.lake_uri}."
  }

  assert {
    condition     = output.datasets == { for layer in ["raw", "staging", "marts", "published"] : layer => "ticketsim_${layer}" }
    error_message = "The datasets are ${jsonencode(output.datasets)}."
  }

  assert {
    condition     = output.images.repository == "europe-west1-docker.pkg.dev/an-empty-project/ticketsim"
    error_message = "Images are pushed to ${output.images.repository}."
  }

  assert {
    condition     = output.bootstrap == "10.40.0.9:9092"
    error_message = "Kafka is at ${output.bootstrap}."
  }

  assert {
    condition     = output.urls.dashboard.url == "https://storage.cloud.google.com/an-empty-project-ticketsim-page/index.html"
    error_message = "The dashboard is at ${output.urls.dashboard.url}."
  }

  assert {
    condition     = output.dataproc.job == null
    error_message = "A streaming job was created before its code was uploaded."
  }

  assert {
    condition     = alltrue([for name, page in output.urls : page.tunnel == null || strcontains(coalesce(page.tunnel, "-"), "iap")])
    error_message = "Every page on a machine is reached by Identity-Aware Proxy."
  }
}

run "a_release_with_its_streaming_job" {
  variables {
    streaming  = true
    stream_job = "tests/job.json"
  }

  assert {
    condition     = output.dataproc.job != null
    error_message = "No streaming job was created."
  }
}

run "a_cluster_with_workers" {
  command = plan

  variables {
    dataproc_workers = 2
  }
}
