#pragma once
#include <string>

#include "storage/history/records.hpp"

namespace server {

// Rows of the history as `apdepot history --json` and the API have them, a JSON object each. The texts are
// escaped already. Pure; any thread.
std::string json_of(const storage::record::Transfer& transfer);
std::string json_of(const storage::record::Holding& holding);
std::string json_of(const storage::record::Miss& miss);
std::string json_of(const storage::record::Login& login);
std::string json_of(const storage::record::Import& done);
std::string json_of(const storage::record::Act& act);

}  // namespace server
