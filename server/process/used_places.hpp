#pragma once
#include <filesystem>
#include <string>

#include "server/os/confinement.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// What the server uses after its start, until its end: the depot, the log's folder, and what a reload reads.
// A file may be replaced by another one of its name, so that its folder counts. `config`: empty for none.
// Asks the file system where links lead.
UsedPlaces used_places(const conf::Settings& settings, const storage::Depot& depot,
                       const std::string& config);

// Whether a file lies in what may be read. The system's own places count: /etc.
bool is_readable(const UsedPlaces& places, const std::filesystem::path& file);

}  // namespace server
