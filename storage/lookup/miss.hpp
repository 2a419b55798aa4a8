#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "storage/files/path.hpp"

namespace storage {

// Why a request cannot be served. Every miss has one cause, the first that fits; `cause_name` gives the log's
// word.
enum class Cause {
  empty_name,
  escapes_root,
  leads_out,  // over a link to something outside the images
  is_directory,
  unreadable,
  wrong_case,       // only case differs, but more than one name fits, or nothing is forgiven
  being_imported,   // the file is in a bundle that is not published yet
  not_unpacked,     // the file is there, inside an archive
  lookalike,        // 1, l and i, or 0 and o are mixed up
  family_missing,   // the release is here, this image family is not in it
  no_such_release,  // the directory asked names a release that is not here
  wrong_directory,  // the file is there, in a directory other than the one asked
  write_refused,
  read_refused,  // an upload, asked for over TFTP
  not_found,
};
std::string_view cause_name(Cause cause);

// A request for a file that is not there, and what the log says about it.
struct Miss {
  Cause cause = Cause::not_found;
  std::string what;             // "/Wrong-Path does not exist"
  std::string hint;             // "ap1g6 is in /EWC/17_9_4a"; empty when nothing is near
  std::optional<Path> nearest;  // the file meant, or the archive that holds it: "/EWC/17_9_4a/ap1g6"
  std::error_code error;        // what the system said, for the protocol's own code
  // What a client is told instead of `what` and `hint`, where these are the administrator's alone: a path of
  // the host, or who owns what. Empty in most.
  std::string for_client = {};
};

}  // namespace storage
