# Every variable with a validation rejects invalid values. A run fails if one of its variables accepts its value.

mock_provider "google" {}

run "values_that_no_variable_takes" {
  command = plan

  variables {
    project          = "My Project"
    zone             = "us-central1-a"
    subnet_range     = "8.8.8.0/24"
    operators        = ["allAuthenticatedUsers"]
    viewers          = ["allUsers"]
    release          = "latest"
    machine_types    = { kafka = "huge" }
    dataproc_workers = 1
    kafka_disk_gb    = 1
    kafka_partitions = 0
    simulation       = { venues = 0 }
    trigger          = "cron"
    page_url         = "javascript:alert(1)"
    first_hour       = "2026-12-01T00:30:00Z"
    tuning           = { reload-minutes = "soon" }
    streaming        = true
    stream_job       = "nowhere/job.json"
  }

  expect_failures = [
    var.project,
    var.zone,
    var.subnet_range,
    var.operators,
    var.viewers,
    var.release,
    var.machine_types,
    var.dataproc_workers,
    var.kafka_disk_gb,
    var.kafka_partitions,
    var.simulation,
    var.trigger,
    var.page_url,
    var.first_hour,
    var.tuning,
    var.streaming,
  ]
}

run "values_that_look_better_and_are_refused_too" {
  command = plan

  variables {
    project      = "1234567890"
    region       = "EU"
    subnet_range = "10.40.0.0/30"
    operators    = ["domain:example.org"]
    release      = "Release One"
    first_hour   = "2026-13-01T00:00:00Z"
    tuning       = { home = 1 }
  }

  expect_failures = [
    var.project,
    var.region,
    var.subnet_range,
    var.operators,
    var.release,
    var.first_hour,
    var.tuning,
  ]
}
