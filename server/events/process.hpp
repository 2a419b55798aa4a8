#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace server {
enum class Warning : std::uint8_t;
struct LoopTurns;
}  // namespace server

// The server itself: how it begins and ends, its configuration, its log, and what the administrator has to
// know.
namespace server::event {

// The server begins.
struct Started {
  std::string version;
};

struct RootGivenUp {  // for this user of the host
  std::string user;
  std::uint32_t uid;
};

// A changed configuration is in effect.
struct Reloaded {
  std::string file;
};

// A changed configuration has a mistake: the old one stays in effect.
struct ReloadFailed {
  std::string reason;
};

// An administrator had the server do something: by its API, from a page or a command.
struct Acted {
  std::string who;      // a user of the page, a token's name, or a user of this host
  std::string act;      // what it is, in words of ours: "promote"
  std::string subject;  // what it was done to: a release, a device, a user
  std::string outcome;  // "done", or the sentence that says why not
};

// Something that has no event of its own, and that the administrator should know.
struct Warned {
  Warning kind;
  std::string text;  // the sentence: what, why, and what to do
};

struct LeftOut {      // lines that the log had no room for
  std::string about;  // an address, "192.0.2.7" or "2001:db8:1:1::/64"; "user ewc"; or "others"
  std::uint64_t lines;
  std::chrono::seconds period;
};

// The server lets what runs come to its end.
struct Stopping {
  std::size_t transfers, sessions;
};

struct LoopMeasured {  // as long as it served
  const LoopTurns& turns;
};

// The last event.
struct Stopped {};

}  // namespace server::event
