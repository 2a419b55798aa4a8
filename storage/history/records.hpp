#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What the history keeps of what happened. Times are milliseconds since 1970, UTC. Texts are bounded, and
// escaped as in the log. Plain values; any thread.
namespace storage::record {

// A transfer that is over.
struct Transfer {
  std::int64_t started = 0, ended = 0;
  std::string client, protocol, user, file;
  bool upload = false;
  std::optional<std::uint64_t> size;  // of the file
  std::uint64_t bytes = 0;
  std::string outcome, cause;  // "whole", "partly" or "broke_off"; "silence"
  std::string detail;          // the client's own words, or what failed here
  std::optional<std::uint64_t> resent;
  std::int64_t id = 0;  // of the row, where it was read
};
// That a client has read a file whole.
struct Holding {
  std::string client, file;
  std::int64_t first_at = 0, last_at = 0;
  std::int64_t times = 1;
};
// A request for a file that is not there. The same one again is counted, so that a scanner cannot fill the
// disk.
struct Miss {
  std::int64_t last_at = 0;
  std::string client, protocol, cause, asked, text;
  std::int64_t first_at = 0, count = 1;
  std::int64_t id = 0;
};
// A login, or why it failed. Failures within a minute are one.
struct Login {
  std::int64_t at = 0;
  std::string client, user, method, outcome;  // "accepted", or "wrong_password"
  std::int64_t count = 1;
  std::int64_t id = 0;
};
// What became of a file in drop/, or of a release.
struct Import {
  std::int64_t at = 0;
  std::string file, outcome, detail;
  std::int64_t id = 0;
};
// What an administrator had the server do.
struct Act {
  std::int64_t at = 0;
  std::string who, act, subject, outcome;  // "maria", "promote", "/EWC/17_9_4a", "done"
  std::int64_t id = 0;
};
// What a person, or a controller's table, said of a device. Empty: nobody said it.
struct Described {
  std::string key;      // its address, or "name NAME" as long as nobody knows that
  std::int64_t at = 0;  // when this was said
  std::string address, name, site, kind, model;
  std::string image, running, backup, predownload;  // of a table: "ap1g8", "17.9.4.27", "Complete"
  std::optional<std::int64_t> listed_at;            // when a table last had it
  std::string replaces;                             // the key of an older row that this one stands for
};
// What was said of several at once: all of it is kept, or nothing.
struct Descriptions {
  std::vector<Described> devices;
};
// An address that asked for something or logged in.
struct Seen {
  std::string address;
  std::int64_t first_at = 0, last_at = 0;
};

}  // namespace storage::record

namespace storage {

// What is written; a holding follows from a transfer.
using Record = std::variant<record::Transfer, record::Miss, record::Login, record::Import, record::Act,
                            record::Descriptions>;

}  // namespace storage
