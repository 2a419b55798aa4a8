#pragma once
#include <chrono>
#include <filesystem>

#include "storage/depot/depot.hpp"
#include "storage/depot/upload_account.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {

// What is served, and what clients add to it: the depot, with what is known of it. Made at the start,
// outlives the services; its members are safe from any thread, and most of them wait for the disk.
struct Library {
  // Throws std::runtime_error with a sentence for the administrator where the depot cannot be used.
  Library(const std::filesystem::path& folder, const storage::UploadLimits& limits)
      : depot(folder), uploads(depot, limits, std::chrono::steady_clock::now) {}

  storage::Depot depot;
  storage::LiveCatalogue catalogue{depot};
  storage::UploadAccount uploads;
};

}  // namespace server
