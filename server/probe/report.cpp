#include "server/probe/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/probe/advice.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"

namespace server::probe {
namespace {

void row(std::string& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out += fmt::format("{:<9}{}\n", name, text);
}

void advice_row(std::string& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out += fmt::format("{:<24}{}\n", name, text);
}

std::string rate_of(const Report& report) {
  if (report.seconds <= 0) return {};
  return fmt::format(", {:.1f} MB/s", static_cast<double>(report.bytes) / 1e6 / report.seconds);
}

std::string size_row(const Report& report) {
  std::string text = fmt::format("{} bytes", report.bytes);
  if (report.announced)
    text += *report.announced == report.bytes ? ", as announced"
                                              : fmt::format(", and {} were announced", *report.announced);
  return text;
}

std::string digest_row(const Report& report) {
  if (report.sha256.empty() || !report.recorded_as) return report.sha256;
  return fmt::format("{}, as imported in {}", report.sha256, escaped_path(*report.recorded_as));
}

std::string json_of(const std::vector<tftp::Option>& options) {
  JsonObject object;
  for (const auto& option : options) object.add(escaped(option.name), std::string_view(option.value));
  return object.text();
}

std::string json_or_null(const std::string& safe) { return safe.empty() ? "null" : json_string(safe); }

std::string json_of(const std::vector<Trial>& trials) {
  std::vector<std::string> list;
  for (const auto& trial : trials) {
    JsonObject object;
    object.add_raw("options", json_of(trial.options));
    object.add("works", trial.works);
    object.add_safe("result", trial.result);
    list.push_back(object.text());
  }
  return json_list(list);
}

}  // namespace

std::string_view cause_name(Cause cause) {
  constexpr std::array<std::string_view, 24> names{
      "NO_ADDRESS", "NO_ROUTE",  "TIMED_OUT", "REFUSED",   "HALF_WAY",  "WRONG_SOURCE",
      "OPTIONS",    "FRAGMENTS", "WRAP",      "NOT_FOUND", "IS_FOLDER", "ACCESS",
      "ERROR",      "STALLED",   "SHORT",     "EMPTY",     "DIFFERENT", "NOT_AN_IMAGE",
      "ALGORITHMS", "HOST_KEY",  "LOGIN",     "NO_SFTP",   "TLS",       "STATUS"};
  return names[static_cast<std::size_t>(cause)];
}

Cause cause_in_words(std::string_view text) {
  std::string words(text);
  std::ranges::transform(words, words.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto say = [&words](std::string_view part) { return words.find(part) != words.npos; };
  if (say("is a directory") || say("is a folder") || say("not a plain file") || say("not a regular file"))
    return Cause::is_folder;
  if (say("not found") || say("no such file") || say("does not exist")) return Cause::not_found;
  if (say("denied") || say("permission") || say("not permitted") || say("forbidden")) return Cause::access;
  return Cause::error;
}

std::string text_of(const std::vector<tftp::Option>& options) {
  std::string text;
  for (const auto& option : options)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", escaped(option.name), escaped(option.value));
  return text.empty() ? "no options" : text;
}

std::string text_of(const Report& report) {
  std::string out;
  if (report.answered_after)
    out += fmt::format("{} answered after {:.1f} ms{}\n", report.server, *report.answered_after * 1000,
                       report.from.empty() ? "" : ", from " + report.from);
  if (report.answered_after && !report.asked.empty()) {
    row(out, "asked", text_of(report.asked));
    row(out, "given", text_of(report.given));
  }
  row(out, "host key", report.fingerprint);
  if (report.bytes > 0 || report.cause == Cause::empty) {
    row(out, "got",
        fmt::format("{} in {:.1f} s{}{}", size_row(report), report.seconds, rate_of(report),
                    report.over_tcp ? "" : fmt::format(", {} resent", report.resent)));
    row(out, "sha256", digest_row(report));
    row(out, "content", report.content);
  }
  for (const auto& note : report.notes) row(out, "note", note);
  for (const auto& trial : report.trials) row(out, "tried", text_of(trial.options) + ": " + trial.result);
  if (!report.cause) return out + "ok: a device here gets this file\n";
  const auto advice = advice_for(*report.cause, report);
  out += fmt::format("failed: {}{}\n", cause_name(*report.cause),
                     report.status == 0 ? "" : fmt::format(" {}", report.status));
  advice_row(out, "the device would print", advice.prints);
  advice_row(out, "what happened", report.what);
  advice_row(out, "most likely", advice.likely);
  advice_row(out, "check", advice.check);
  return out;
}

std::string json_of(const Report& report) {
  const auto advice = report.cause ? advice_for(*report.cause, report) : Advice{};
  JsonObject object;
  object.add_safe("url", report.url);
  object.add("ok", !report.cause);
  object.add_raw("cause", report.cause ? json_string(cause_name(*report.cause)) : "null");
  object.add_raw("status", report.status == 0 ? "null" : fmt::format("{}", report.status));
  object.add_raw("prints", json_or_null(advice.prints));
  object.add_raw("what", json_or_null(report.what));
  object.add_raw("likely", json_or_null(advice.likely));
  object.add_raw("check", json_or_null(advice.check));
  object.add_raw("server", json_or_null(report.server));
  object.add_raw("from", json_or_null(report.from));
  object.add_raw("answered_ms",
                 report.answered_after ? fmt::format("{:.3f}", *report.answered_after * 1000) : "null");
  object.add_raw("asked", json_of(report.asked));
  object.add_raw("given", json_of(report.given));
  object.add_raw("host_key", json_or_null(report.fingerprint));
  object.add_raw("announced", report.announced ? fmt::format("{}", *report.announced) : "null");
  object.add("bytes", report.bytes);
  object.add_raw("seconds", fmt::format("{:.3f}", report.seconds));
  object.add("resent", report.resent);
  object.add_raw("sha256", json_or_null(report.sha256));
  object.add_raw("content", json_or_null(report.content));
  object.add_raw("recorded_as", report.recorded_as ? json_text(*report.recorded_as) : "null");
  std::vector<std::string> notes;
  for (const auto& note : report.notes) notes.push_back(json_string(note));
  object.add_raw("notes", json_list(notes));
  object.add_raw("trials", json_of(report.trials));
  return object.text();
}

}  // namespace server::probe
