#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocols/sftp/wire.hpp"

namespace sftp {

// What a log of sftp-server has lines for, in its words.
namespace event {
struct ClientVersion {
  std::uint32_t version;
};
struct Realpath {
  std::string name;
};
struct Stat {
  std::string name;
  bool follow;
};
struct Open {
  std::string name;
  std::uint32_t flags, mode;
};
struct Close {
  std::string name;
  std::uint64_t read;
  bool forced;
  std::uint64_t written = 0;
};
struct Opendir {
  std::string name;
};
struct Closedir {
  std::string name;
  bool forced;
};
struct Remove {
  std::string name;
};
struct Mkdir {
  std::string name;
  std::uint32_t mode;
};
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
struct SetSize {
  std::string name;
  std::uint64_t size;
};
struct SetMode {
  std::string name;
  std::uint32_t mode;
};
struct ModeIgnored {  // behind SetMode, which says what was asked
  std::string name;
  std::uint32_t mode;
};
struct SetModtime {
  std::string name;
  std::int64_t modified;  // seconds since 1970, UTC
};
struct SetOwner {
  std::string name;
  std::uint32_t uid, gid;
};
struct Refused {
  std::string_view request;
};  // it writes, and the session is read-only
struct SentStatus {
  std::uint32_t id;
  Status status;
};
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
