#include "storage/depot.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>

#include "storage/durable.hpp"

namespace storage {
namespace {

std::filesystem::path tidy(const std::filesystem::path& directory) {
  auto path = std::filesystem::absolute(directory).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "/srv/depot/" and "/srv/depot" are one depot
}

}  // namespace

Depot::Depot(const std::filesystem::path& directory) : directory_(tidy(directory)) {
  try {
    for (const auto& open_to_all : {directory_, images(), drop(), rejected()})
      make_directories(open_to_all, 0755);
    for (const auto& private_to_us : {state(), staging(), manifests()}) make_directories(private_to_us, 0700);
  } catch (const std::system_error& error) {
    throw std::runtime_error(fmt::format(
        "the depot {} cannot be used: {}; give this user the right to write there, or name another "
        "directory (--depot DIR, or \"depot:\" in the config)",
        directory_.string(), error.what()));
  }
}

}  // namespace storage
