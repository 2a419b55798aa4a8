#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "storage/root.hpp"

namespace storage {

// Why a request cannot be served. Every miss has one cause, the first that fits; `cause_name` gives the log's
// word.
enum class Cause {
  empty_name,
  escapes_root,
  is_directory,
  unreadable,
  wrong_directory,  // the file is there, in a directory other than the one asked
  no_such_release,  // the directory asked names a release that is not here
  family_missing,   // the release is here, this image family is not in it
  write_refused,
  not_found,
};
std::string_view cause_name(Cause cause);

struct Miss {
  Cause cause = Cause::not_found;
  std::string what;             // "/Wrong-Path does not exist"
  std::string hint;             // "ap1g6 is in /EWC/17_9_4a"; empty when nothing is near
  std::optional<Path> nearest;  // the file meant: "/EWC/17_9_4a/ap1g6"
  std::error_code error;        // what the system said, for the protocol's own code
};

struct Found {
  Path path;
  File file;
};
struct NotFound {
  std::expected<Path, PathError> asked;
  std::error_code error;  // what the system said of the path
};

// Finds the image that a device asks for. May wait for the disk: for a worker.
std::expected<Found, NotFound> find_image(const Root& root, std::string_view asked, AboveRoot above);

// Every directory that holds images, the oldest version first. Costs a scan.
std::vector<Path> list_releases(const Root& root);

// Explains a name that could not be opened or examined. Looks at every release below the root, so it costs a
// scan.
Miss explain_miss(const Root& root, const Path& asked, std::error_code error);
Miss explain_miss(std::string_view asked, PathError error);
Miss explain_miss(const Root& root, std::string_view asked, const NotFound& miss);
// The same without the scan: what can be said at once when too many ask.
Miss plain_miss(std::string_view asked, std::error_code error);

}  // namespace storage
