#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/rare_warnings.hpp"
#include "server/files/held_bytes.hpp"
#include "server/files/open_files.hpp"
#include "server/loop/meter.hpp"
#include "server/loop/shares.hpp"
#include "server/loop/turns.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/upload_account.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {

// How many misses may wait for an explanation, in all and of one address; further misses are logged without a
// hint.
constexpr std::size_t most_explanations = 16, most_explanations_each = 4;
// Names that may wait to be looked up as they were meant, and of one address; who is beyond asks again.
constexpr std::size_t most_meanings = 64, most_meanings_each = 16;

// What the services have in common. Made by Server, outlives them all, belongs to the loop's thread (but the
// depot may be used on workers).
struct Shared {
  net::io_context& loop;
  Workers& disk;         // names: lookups, folders, what opens and closes
  Workers& content;      // files' bytes: a slow disk must not keep anybody from opening what lies on another
  Workers& explaining;   // misses, which look at every release: never in the way of somebody's file
  Workers& negotiating;  // key exchanges: group16 takes 40 ms, and anybody may ask for one
  Workers& hashing;      // passwords: a storm of logins must not keep anybody from a file
  Workers& importing;
  Events& events;
  LoopMeter& meter;
  const storage::Depot& depot;
  storage::LiveCatalogue& catalogue;               // for `explaining`
  storage::UploadAccount& uploads;                 // for `disk` and `content`
  std::shared_ptr<const conf::Settings> settings;  // replaced as a whole by a reload
  std::uint64_t last_number = 0;
  OpenFiles open_files = {};     // over SSH
  HeldBytes held_bytes = {};     // over SSH
  Turns explaining_turns{3, 8};  // of SFTP and SCP

  std::uint64_t next_number() { return ++last_number; }  // of a request or SSH session

  // A warning about something that a client can bring about as often as it likes: told every ten seconds at
  // most, with the number of times that it was not.
  // What a client chose does not belong into `text`: the line of its request or session has that. Nor into
  // `kind`, which is what is told so rarely.
  void warn_rarely(std::string_view kind, const std::string& text);
  void warn_rarely(std::string_view text) { warn_rarely(text, std::string(text)); }  // a constant one
  // Starts a coroutine that nobody waits for; should it throw, that is told.
  void start(net::awaitable<void> coroutine, std::string what);

  RareWarnings rare_warnings = {};
  Shares explanations{most_explanations, most_explanations_each};
  Shares meanings{most_meanings, most_meanings_each};
};

}  // namespace server
