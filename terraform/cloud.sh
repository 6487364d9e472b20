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

plan=$(mktemp -d)
trap 'rm -rf "$plan"' EXIT
terraform init -input=false -backend-config=backend.hcl >&2

case ${1:-} in
plan)
    terraform plan -input=false
    ;;
up)
    terraform plan -input=false -out="$plan/plan"
    confirm "make these changes"
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
