#pragma once
#include <string>

#include "server/text/json.hpp"
#include "storage/releases/releases.hpp"
#include "storage/releases/verify.hpp"

namespace server {

// A release, and what looking at it again found, as `releases --json`, `verify --json` and the API have them.
// Pure; any thread.
JsonObject json_object_of(const storage::Release& release);
std::string json_of(const storage::Verification& found);

}  // namespace server
