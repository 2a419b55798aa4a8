#pragma once
#include <expected>
#include <optional>
#include <string>

#include "conf/settings.hpp"
#include "server/events/transfer.hpp"
#include "server/loop/net.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "storage/lookup/miss.hpp"
#include "storage/lookup/rule.hpp"

namespace server {

// What the server would serve for a name.
struct Served {
  storage::Path path;
  storage::Rule rule = storage::Rule::exact;
};
using Explanation = std::expected<Served, storage::Miss>;

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
// A read in a depot that is looked at once, with a catalogue of its own.
Explanation explain_read(const conf::Settings& settings, const storage::Depot& depot, const std::string& name,
                         event::Protocol protocol);
// As docs/formats.md has it.
std::string to_json(const Question& question, const Explanation& answer);

}  // namespace server
