#include "storage/depot/depot.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>

#include "storage/depot/depot_shape.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace {

std::filesystem::path tidy(const std::filesystem::path& directory) {
  auto path = std::filesystem::absolute(directory).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "/srv/depot/" and "/srv/depot" are one depot
}

// A directory of images that another server served: folders of ours inside would help nobody.
void refuse_folder_of_images(const Depot& depot) {
  std::error_code error;
  if (std::filesystem::exists(depot.images(), error) || error) return;
  const auto image = image_beside(depot);
  if (image.empty()) return;
  throw std::runtime_error(
      fmt::format("{0} is a folder of images ({1}), and not a depot, whose images lie below images/: name a "
                  "new directory for "
                  "the depot (--depot DIR) and copy them to DIR/images/, or make this one a depot: `mkdir "
                  "{0}/images`, and "
                  "move them there",
                  utf8_of(depot.directory()), utf8_of(image.lexically_relative(depot.directory()))));
}

}  // namespace

Depot::Depot(const std::filesystem::path& directory, AsItIs) : directory_(tidy(directory)) {}

Depot::Depot(const std::filesystem::path& directory) : Depot(directory, AsItIs{}) {
  refuse_folder_of_images(*this);
  try {
    for (const auto& open_to_all : {directory_, images(), drop(), rejected()})
      make_directories(open_to_all, 0755);
    for (const auto& private_to_us : {state(), staging()}) make_directories(private_to_us, 0700);
    make_directories(manifests(), mode_as_above(manifests()));
  } catch (const std::system_error& error) {
    const auto way_out =
        error.code() == std::errc::read_only_file_system
            ? fmt::format(
                  "mount its disk for writing, or, under systemd, let the service write there "
                  "(ReadWritePaths={} below [Service] in `systemctl edit apdepot`)",
                  utf8_of(directory_))
            : std::string("give this user the right to write there");
    throw std::runtime_error(
        fmt::format("the depot {} cannot be used: {}; {}, or name another directory (--depot DIR, or "
                    "\"depot:\" in the config)",
                    utf8_of(directory_), error.what(), way_out));
  }
}

Depot Depot::existing(const std::filesystem::path& directory) {
  Depot depot(directory, AsItIs{});
  std::error_code error;
  if (std::filesystem::is_directory(depot.images(), error)) return depot;
  if (error && error != std::errc::no_such_file_or_directory)
    throw std::runtime_error(
        fmt::format("the depot {} cannot be read: {}; run this as its owner, or name another directory "
                    "(--depot DIR)",
                    utf8_of(depot.directory_), error.message()));
  throw std::runtime_error(
      fmt::format("there is no depot in {}: name it with --depot DIR; `apdepot serve` and `apdepot import` "
                  "make one",
                  utf8_of(depot.directory_)));
}

void Depot::expect_readable_records() const try {
  FolderReader records(manifests(), FolderReader::Reach::tree);
  while (const auto entry = records.next())
    if (entry->is_file() && entry->path.extension() == ".yaml") open_plain_file(entry->path);
} catch (const std::system_error& error) {
  if (error.code() == std::errc::no_such_file_or_directory) return;
  throw std::runtime_error(
      fmt::format("{} cannot be read, where import records what it published: {}; run this as the depot's "
                  "owner, or as root",
                  utf8_of(manifests()), error.what()));
}

}  // namespace storage
