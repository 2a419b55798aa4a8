#include "server/history/history.hpp"

#include <fmt/format.h>

#include <chrono>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/source.hpp"
#include "server/events/warning.hpp"
#include "server/history/record_of.hpp"
#include "server/loop/succeeds.hpp"

namespace server {
namespace {

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Empty for what no client brought about.
struct SourceOf {
  std::string operator()(const auto& record) const {
    if constexpr (requires { record.client; }) {
      return log_source(record.client);
    } else {
      return {};
    }
  }
};

}  // namespace

void History::begin(const conf::History& settings, const std::filesystem::path& file) {
  if (settings.days == 0) return;
  writer_.emplace(
      file, HistoryWriter::Limits{std::chrono::days(settings.days), settings.size}, [this](std::string text) {
        net::post(loop_, [this, text = std::move(text)] { events_.warn_rarely(Warning::history, text); });
      });
  events_.listen([this](const Event& event) { note(event); });
}

bool History::end(std::chrono::milliseconds patience) {
  if (!writer_ || writer_->close(patience)) return true;
  events_.warn(Warning::history, "the last records of the history are lost: the disk does not take them");
  return false;
}

// An event has happened, whether or not there is memory to keep it.
void History::note(const Event& event) noexcept {
  succeeds([&] { keep_event(event); });
}

bool History::keep(storage::Record record) { return writer_ && writer_->put(std::move(record)); }

void History::keep_event(const Event& event) {
  auto record = record_of(event, milliseconds_now());
  if (!record) return;
  const auto source = std::visit(SourceOf{}, *record);
  if (!source.empty() && !shares_.take(source, SharesOfHour::Clock::now())) {
    if (shares_.may_tell())
      events_.warn(
          Warning::history,
          fmt::format("the history leaves out what an address does beyond {} requests and logins in an hour",
                      SharesOfHour::most));
    return;
  }
  if (!writer_->put(std::move(*record)))
    events_.warn_rarely(Warning::history,
                        fmt::format("the history leaves out what happens now: {} records wait for the disk",
                                    HistoryWriter::most_waiting));
}

}  // namespace server
