#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "storage/history/records.hpp"

namespace server {

// Rows of the history as `apdepot history` shows them. The texts are escaped already. Pure.
struct HistoryTable {
  std::vector<std::string> heading;
  std::size_t elastic = 0;  // the column that is cut where the screen is too narrow
  std::vector<std::vector<std::string>> rows;
};

HistoryTable table_of(const std::vector<storage::record::Transfer>& transfers);
HistoryTable table_of(const std::vector<storage::record::Holding>& holdings);
HistoryTable table_of(const std::vector<storage::record::Miss>& misses);
HistoryTable table_of(const std::vector<storage::record::Login>& logins);
HistoryTable table_of(const std::vector<storage::record::Import>& imports);

// Aligned lines, the heading first; none without rows. `columns`: of a terminal. The last column is never
// cut: it may be what fixes a miss.
std::vector<std::string> lines_of(HistoryTable table, std::optional<std::size_t> columns);

}  // namespace server
