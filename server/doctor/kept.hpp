#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "storage/history/history_queries.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace server::doctor {

// The history as checks read it, and give up after some seconds. Nothing where there is none yet. Throws
// storage::DatabaseError.
std::optional<storage::HistoryQueries> open_history(const storage::Depot& depot);
constexpr std::size_t most_rows = 20'000;  // of one answer

std::int64_t milliseconds_ago(std::chrono::seconds period);  // since 1970, in UTC

}  // namespace server::doctor
