#!/bin/sh
# make cloud-plan|cloud-up|cloud-down: Terraform with a confirmation before it changes anything.
set -eu
cd "$(dirname "$0")"

fail() {
    echo "error: $1" >&2
    exit 1
}

command -v terraform >/dev/null || fail "terraform is not installed. Install 1.11 or newer: docs/cloud.md, step 1."
for file in terraform.tfvars backend.hcl; do
    [ -f "$file" ] || fail "terraform/$file does not exist. Copy $file.example to it and fill it in: docs/cloud.md, step 2."
done

project=$(sed -n 's/^ *project *= *"\(.*\)".*/\1/p' terraform.tfvars)
[ -n "$project" ] || fail "terraform/terraform.tfvars names no project. Add: project = \"ID\"."

# confirm VERB: continues only if the project's id is typed.
confirm() {
    printf 'Type the id of the project, %s, to %s: ' "$project" "$1" >&2
    read -r answer || answer=
    [ "$answer" = "$project" ] || fail "project id '$answer' is not '$project': nothing was changed."
}

# review WHAT: what plan_review.py finds in the plan.
review() {
    python3 plan_review.py "$1" <"$plan/plan.json"
}

# make_plan [ARGUMENTS]: plans, and asks for a job that has ended for good to be submitted again: to Terraform it is there.
make_plan() {
    terraform plan -input=false -out="$plan/plan" "$@"
    terraform show -json "$plan/plan" >"$plan/plan.json"
    ended=$(review ended-jobs)
    if [ -n "$ended" ]; then
        echo "The stream's job has ended for good; planning again, with a new one:" >&2
        make_plan -replace="$ended"
    fi
}

# refuse_deletions: ends if the plan deletes what keep_data protects; CLUSTER=replace allows a new cluster.
refuse_deletions() {
    deleted=$(review deletions)
    [ "${CLUSTER:-}" != replace ] || deleted=$(printf '%s' "$deleted" | grep -v 'would be recreated\.$' || true)
    [ -z "$deleted" ] || fail "keep_data is true, and this plan deletes what it protects; nothing was changed.
$(printf '%s\n' "$deleted" | sed 's/^/       /')
       Undo the change in terraform/terraform.tfvars. A new cluster is allowed by: make cloud-up CLUSTER=replace (the stream
       resumes from its checkpoint). If the data may go, set keep_data = false."
}

# take_snapshots: one of each data disk whose disk or machine the plan changes; docs/cloud.md says how they are removed.
take_snapshots() {
    review snapshots >"$plan/disks"
    while read -r of zone disk; do
        echo "taking a snapshot of $disk before it is changed" >&2
        gcloud compute snapshots create "$disk-before-$(date -u +%Y%m%d%H%M%S)" --project="$of" --source-disk="$disk" \
            --source-disk-zone="$zone" --quiet </dev/null >&2 || fail "no snapshot of $disk: nothing was changed."
    done <"$plan/disks"
}

plan=$(mktemp -d)
trap 'rm -rf "$plan"' EXIT
terraform init -input=false -backend-config=backend.hcl >&2

case ${1:-} in
plan)
    make_plan
    refuse_deletions
    ;;
up)
    make_plan
    refuse_deletions
    confirm "make these changes"
    take_snapshots
    # Exactly what was shown: Terraform refuses a plan that has gone stale.
    terraform apply -input=false "$plan/plan"
    ;;
down)
    if [ "$(terraform output -raw keep_data 2>/dev/null)" = true ]; then
        fail "keep_data is true: the machines, and the lake and datasets unless they are empty, refuse to be destroyed.
       If all data may go, set keep_data = false in terraform/terraform.tfvars, run make cloud-up, and then this again."
    fi
    terraform plan -input=false -destroy -out="$plan/plan"
    confirm "destroy all of this, the data included"
    terraform apply -input=false "$plan/plan"
    ;;
*)
    fail "unknown command '${1:-}'; usage: cloud.sh plan|up|down"
    ;;
esac
