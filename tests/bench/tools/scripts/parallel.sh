#!/usr/bin/env bash
# As fast as files go in: one login, then `curl -T` of everything in some lists, eight at a time, connections kept.
# Looks at nothing and makes nothing: resources must be there and files must not. A list has one file of a resource at
# most, since two at the same time would collide in its catalog.
# Arguments: URL, user, password, configuration files of curl with the uploads.
set -eu

url=$1 user=$2 password=$3
shift 3
curl --fail --silent --show-error -u "$user:$password" -c jar "$url/data/JSESSION" >/dev/null
for uploads; do
    curl --parallel --parallel-max 8 --fail --no-progress-meter -b jar --config "$uploads"
done
