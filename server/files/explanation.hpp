#pragma once
#include <expected>
#include <string>

#include "server/events/protocol.hpp"
#include "storage/files/path.hpp"
#include "storage/lookup/miss.hpp"
#include "storage/lookup/rule.hpp"

namespace storage {
class Depot;
class LiveCatalogue;
}  // namespace storage

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// What the server would serve for a name.
struct Served {
  storage::Path path;
  storage::Rule rule = storage::Rule::exact;
};
using Explanation = std::expected<Served, storage::Miss>;

// Looks the name up as the server does. Reads the disk: for workers and commands.
Explanation explain_read(const conf::Settings& settings, storage::LiveCatalogue& catalogue,
                         const std::string& name, event::Protocol protocol);
// The same for a command, which has no catalogue.
Explanation explain_read(const conf::Settings& settings, const storage::Depot& depot, const std::string& name,
                         event::Protocol protocol);

}  // namespace server
