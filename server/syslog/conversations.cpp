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

bool lately(const std::optional<Conversations::Clock::time_point>& at, Conversations::Clock::time_point now) {
  return at && now - *at < Conversations::memory;
}

// What an access point says that its controller has failed: the controller knows why.
bool blames_controller(Kind kind) { return kind == Kind::cannot_start || kind == Kind::aborted; }

}  // namespace

Conversations::Device& Conversations::device(const std::string& client) {
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
  return devices_.front();
}

bool Conversations::has_told(const Device& speaker, const LogMessage& message, Clock::time_point now) const {
  if (speaker.before.has_told(message)) return true;
  if (message.kind == Kind::device_failed) return lately(speaker.blamed, now);
  if (!blames_controller(message.kind) || !speaker.before.asked) return false;
  const auto controller = places_.find(speaker.before.asked->peer);
  return controller != places_.end() &&
         (lately(controller->second->failed, now) || lately(controller->second->complained, now));
}

void Conversations::note(const std::string& client, const LogMessage& message, Clock::time_point now) {
  auto& speaker = device(client);
  if (has_cause(message.kind)) speaker.failed = now;
  if (message.kind == Kind::device_failed) speaker.complained = now;
  speaker.before.note(bounded(message));
  if (!blames_controller(message.kind) || !speaker.before.asked) return;
  const auto controller = speaker.before.asked->peer;
  if (!controller.empty()) device(controller).blamed = now;
}

std::optional<SaidBefore> Conversations::hear(const std::string& client, const LogMessage& message,
                                              Clock::time_point now) {
  auto& speaker = device(client);
  if (now - std::exchange(speaker.at, now) > memory) speaker.before = {};
  if (!lately(speaker.failed, now)) speaker.before.failed.reset();
  if (has_told(speaker, message, now)) return {};
  note(client, message, now);
  return device(client).before;
}

}  // namespace server
