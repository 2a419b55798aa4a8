#pragma once
#include <cstdint>
#include <optional>

#include "storage/history/records.hpp"

namespace server {

class Event;

// What the history keeps of `event`, which happens at `now`, in milliseconds since 1970; nothing of most.
// Texts are escaped, and no longer than in the log. Pure.
std::optional<storage::Record> record_of(const Event& event, std::int64_t now);

}  // namespace server
