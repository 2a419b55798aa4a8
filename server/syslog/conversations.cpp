#include "server/syslog/conversations.hpp"

#include <utility>

namespace server {
namespace {

using storage::LogMessage;
using Kind = LogMessage::Kind;

constexpr std::size_t most_of_text =
    512;  // bytes: what is kept between two lines is not the sender's to choose

LogMessage bounded(LogMessage message) {
  for (auto* text : {&message.url, &message.reason, &message.image, &message.peer, &message.advice})
    if (text->size() > most_of_text) text->resize(most_of_text);
  message.when.clear();
  return message;
}

// Lines that have a cause in them, and lines that follow from such a one.
bool has_cause(Kind kind) {
  switch (kind) {
    case Kind::failed:
    case Kind::gave_up:
    case Kind::no_image:
    case Kind::no_space:
    case Kind::damaged:
    case Kind::signature_bad:
    case Kind::certificate_over:
    case Kind::cannot_start:
      return true;
    default:
      return false;
  }
}

bool follows(Kind kind) { return kind == Kind::device_failed || kind == Kind::aborted; }

}  // namespace

Conversations::Device& Conversations::device(const std::string& client, Clock::time_point now) {
  if (const auto known = places_.find(client); known != places_.end()) {
    devices_.splice(devices_.begin(), devices_, known->second);
  } else {
    if (devices_.size() >= most) {
      places_.erase(devices_.back().client);
      devices_.pop_back();
    }
    devices_.push_front({client});
    places_[client] = devices_.begin();
  }
  auto& device = devices_.front();
  if (now - std::exchange(device.at, now) > memory) device.before = {};
  return device;
}

std::optional<SaidBefore> Conversations::hear(const std::string& client, const LogMessage& message,
                                              Clock::time_point now) {
  auto& speaker = device(client, now);
  if (follows(message.kind) && speaker.failed && now - *speaker.failed < memory) return {};
  if (has_cause(message.kind)) speaker.failed = now;
  speaker.before.note(bounded(message));
  return speaker.before;
}

}  // namespace server
