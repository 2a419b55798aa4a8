#include "server/text/history_json.hpp"

#include <fmt/format.h>

#include <optional>

#include "server/text/json.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

namespace record = storage::record;

double seconds_of(const record::Transfer& transfer) {
  return static_cast<double>(transfer.ended - transfer.started) / 1000;
}

void add_text(JsonObject& object, std::string_view key, const std::string& text) {
  object.add_raw(key, text.empty() ? "null" : json_text(text));
}

void add_count(JsonObject& object, std::string_view key, const std::optional<std::uint64_t>& count) {
  object.add_raw(key, count ? fmt::format("{}", *count) : "null");
}

}  // namespace

std::string json_of(const record::Transfer& transfer) {
  JsonObject object;
  object.add_safe("ended_at", utc_of(transfer.ended));
  object.add_safe("started_at", utc_of(transfer.started));
  add_text(object, "client", transfer.client);
  add_text(object, "protocol", transfer.protocol);
  add_text(object, "user", transfer.user);
  object.add("direction", transfer.upload ? "write" : "read");
  add_text(object, "path", transfer.file);
  add_count(object, "size", transfer.size);
  object.add("bytes", transfer.bytes);
  object.add("seconds", seconds_of(transfer));
  add_text(object, "outcome", transfer.outcome);
  add_text(object, "cause", transfer.cause);
  add_text(object, "detail", transfer.detail);
  add_count(object, "resent", transfer.resent);
  return object.text();
}

std::string json_of(const record::Holding& holding) {
  JsonObject object;
  add_text(object, "client", holding.client);
  add_text(object, "path", holding.file);
  object.add_safe("first_at", utc_of(holding.first_at));
  object.add_safe("last_at", utc_of(holding.last_at));
  object.add("times", holding.times);
  return object.text();
}

std::string json_of(const record::Miss& miss) {
  JsonObject object;
  object.add_safe("last_at", utc_of(miss.last_at));
  object.add_safe("first_at", utc_of(miss.first_at));
  object.add("count", miss.count);
  add_text(object, "client", miss.client);
  add_text(object, "protocol", miss.protocol);
  add_text(object, "cause", miss.cause);
  add_text(object, "asked", miss.asked);
  add_text(object, "text", miss.text);
  return object.text();
}

std::string json_of(const record::Login& login) {
  JsonObject object;
  object.add_safe("at", utc_of(login.at));
  object.add("count", login.count);
  add_text(object, "client", login.client);
  add_text(object, "user", login.user);
  add_text(object, "method", login.method);
  add_text(object, "outcome", login.outcome);
  return object.text();
}

std::string json_of(const record::Import& done) {
  JsonObject object;
  object.add_safe("at", utc_of(done.at));
  add_text(object, "file", done.file);
  add_text(object, "outcome", done.outcome);
  add_text(object, "detail", done.detail);
  return object.text();
}

std::string json_of(const record::Act& act) {
  JsonObject object;
  object.add_safe("at", utc_of(act.at));
  add_text(object, "who", act.who);
  add_text(object, "act", act.act);
  add_text(object, "subject", act.subject);
  add_text(object, "outcome", act.outcome);
  return object.text();
}

}  // namespace server
