#!/usr/bin/env bash
# As fast as files go in: one login, then for each list a `curl -T` of everything in it, over one connection, eight lists
# at a time. Looks at nothing and makes nothing: resources must be there and files must not. All files of a resource are
# in one list, since two at the same time would collide in its catalog.
# (`curl --parallel` of Debian 12 sleeps up to a second before it takes the next file; without the empty `Expect:`, curl
# asks before each file whether it may send it, which takes a round trip.)
# Arguments: URL, user, password, configuration files of curl with the uploads.
set -eu

url=$1 user=$2 password=$3
shift 3
curl --fail --silent --show-error -u "$user:$password" -c jar "$url/data/JSESSION" >/dev/null
printf '%s\0' "$@" | xargs -0 -P 8 -n 1 curl --fail --silent --show-error -H Expect: -b jar --config
