#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/text/controller_tables.hpp"
#include "storage/history/records.hpp"

namespace server {

// What a controller's tables, a list or a person say of devices, put into what is known of them. Pure; any
// thread.

// A device of which something is said, as it is known from now on.
struct Told {
  storage::record::Described device;
  bool is_new = false;
  std::vector<std::string> members;  // that differ from before: "model", "backup"
};

// A device that the tables have under its address, or under a name that is known already, is that one. What a
// table does not say stays. `now` in milliseconds since 1970.
std::vector<Told> told_by(const std::vector<ListedDevice>& listed,
                          const std::vector<storage::record::Described>& known, std::int64_t now);

// A text of a person or a table, escaped and short enough to be kept.
std::string kept_text(const std::string& hostile);
// An address as the log has it; nothing for what is none.
std::optional<std::string> kept_address(const std::string& text);

}  // namespace server
