#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocols/sftp/wire.hpp"

namespace sftp {

// What a log of sftp-server has lines for, in its words.
namespace event {
// SSH_FXP_INIT, with the version of the client.
struct ClientVersion {
  std::uint32_t version;
};
// realpath
struct Realpath {
  std::string name;
};
// stat, or lstat where links are not followed
struct Stat {
  std::string name;
  bool follow;
};
// open, with the POSIX flags that the protocol carries
struct Open {
  std::string name;
  std::uint32_t flags, mode;
};
// A file was closed; `forced` when the session ended with it open.
struct Close {
  std::string name;
  std::uint64_t read;
  bool forced;
  std::uint64_t written = 0;
};
// opendir
struct Opendir {
  std::string name;
};
// A folder was closed; `forced` as for a file.
struct Closedir {
  std::string name;
  bool forced;
};
// remove
struct Remove {
  std::string name;
};
// mkdir
struct Mkdir {
  std::string name;
  std::uint32_t mode;
};
// rmdir
struct Rmdir {
  std::string name;
};
struct Pair {  // of names, for a rename and the like
  std::string_view request;
  std::string old_name, new_name;
};
struct Named {  // a request that only names something
  std::string_view request;
  std::string name;
};
// setstat of a size
struct SetSize {
  std::string name;
  std::uint64_t size;
};
// setstat of a mode
struct SetMode {
  std::string name;
  std::uint32_t mode;
};
struct ModeIgnored {  // behind SetMode, which says what was asked
  std::string name;
  std::uint32_t mode;
};
// setstat of times
struct SetModtime {
  std::string name;
  std::int64_t modified;  // seconds since 1970, UTC
};
// setstat of an owner
struct SetOwner {
  std::string name;
  std::uint32_t uid, gid;
};
// A request that writes, in a session that may only read.
struct Refused {
  std::string_view request;
};  // it writes, and the session is read-only
// A status other than OK went out for request `id`.
struct SentStatus {
  std::uint32_t id;
  Status status;
};
// A request that nobody knows: its type, or the name of the extension.
struct Unknown {
  std::uint32_t type;
  std::string extension;
};
}  // namespace event
using Event =
    std::variant<event::ClientVersion, event::Realpath, event::Stat, event::Open, event::Close,
                 event::Opendir, event::Closedir, event::Remove, event::Mkdir, event::Rmdir, event::Pair,
                 event::Named, event::SetSize, event::SetMode, event::ModeIgnored, event::SetModtime,
                 event::SetOwner, event::Refused, event::SentStatus, event::Unknown>;

}  // namespace sftp
