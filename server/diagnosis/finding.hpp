#pragma once
#include <optional>
#include <string>
#include <vector>

#include "server/diagnosis/requests_seen.hpp"
#include "storage/images/device_log.hpp"

namespace storage {
class LiveCatalogue;
}  // namespace storage

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// What this server is to the devices whose log is read.
struct Here {
  const conf::Settings& settings;
  storage::LiveCatalogue& catalogue;
  std::vector<std::string> addresses;  // as devices know it, the best to name first; empty: nobody knows
};

// What a device said before: of a failure that names no file, that is the file.
struct SaidBefore {
  std::optional<storage::LogMessage> asked, started;
  std::optional<storage::LogMessage::Kind> failed;  // with a cause, and nothing went well since

  void note(const storage::LogMessage& message);
  // Whether `message` only repeats what failed: a controller has a line of its own for each access point that
  // waited, and an access point has others for what it does next.
  bool has_told(const storage::LogMessage& message) const;
};
// Whether a line of that kind says why something failed.
bool has_cause(storage::LogMessage::Kind kind);

// What the server itself has seen of the device. A log that somebody pasted is of another time: then nothing.
struct SeenHere {
  std::optional<SeenRequest> of_device;  // the latest of the device itself
  std::optional<SeenRequest> of_file;    // the latest of anybody for the same file
};

// What one message means for this server. All texts are escaped, and one line each.
struct Finding {
  std::string
      what;  // "tftp://192.0.2.9/a/ap1g8, Timed out: 9120-EWC asks 192.0.2.9, and this server is 192.0.2.2"
  std::string fix;  // what to do about it; empty where that stands in `what`, or where nothing is wrong
  bool bad = true;
};

// Nothing: what it is about is told with what becomes of it. `speaker` is the device, as it is to be called,
// escaped. Reads the disk: for workers and commands.
std::optional<Finding> finding_of(const Here& here, const storage::LogMessage& message,
                                  const SaidBefore& before, const std::string& speaker,
                                  const std::optional<SeenHere>& seen);

}  // namespace server
