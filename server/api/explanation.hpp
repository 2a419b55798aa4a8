#pragma once
#include <optional>
#include <string>

#include "server/events/protocol.hpp"
#include "server/files/explanation.hpp"
#include "server/loop/net.hpp"

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// What a device might ask for.
struct Question {
  const conf::Settings& settings;
  storage::LiveCatalogue& catalogue;
  std::string path;
  event::Protocol protocol = event::Protocol::tftp;
  std::optional<net::ip::address> client = {};  // who asks: tftp.allow and tftp.deny are heeded
  bool write = false;                           // whether the path could be written, rather than read
};

// Looks the name up as the server does, and makes nothing. Waits for the disk; any thread.
Explanation explain(const Question& question);
// As docs/formats.md has it.
std::string to_json(const Question& question, const Explanation& answer);

}  // namespace server
