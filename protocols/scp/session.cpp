#include "protocols/scp/session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace scp {
namespace {

constexpr int steps_at_once = 64;
constexpr std::size_t longest_name_told = 1024;  // so that an error fits into a client's buffer for a line

std::string name_told(std::string_view name) {
  auto text = visible(name);
  if (text.size() > longest_name_told) text.replace(longest_name_told, std::string::npos, "...");
  return text;
}

}  // namespace

std::optional<std::error_code> error_of(const Answer& answer) {
  const auto* error = std::get_if<std::error_code>(&answer);
  if (!error) return {};
  return *error;
}

std::error_code error_of(storage::PathError error) {
  return std::make_error_code(error == storage::PathError::too_long ? std::errc::filename_too_long
                                                                    : std::errc::no_such_file_or_directory);
}

bool Session::feed(Bytes bytes) {
  if (finished()) return true;
  if (input_.size() + bytes.size() > most_input_) return false;
  input_.append(bytes);
  return true;
}

std::optional<Operation> Session::poll(std::size_t room) {
  more_ = false;
  room_ = std::min(room, enough_output);
  for (int steps = 0; !pending_ && !finished() && (output_.size() == 0 || output_.size() < room_); ++steps) {
    more_ = steps == steps_at_once;
    if (more_ || !step()) break;
  }
  if (!pending_ || std::exchange(pending_->given, true)) return {};
  return pending_->operation;
}

void Session::done(Answer answer) {
  pending_.reset();
  answered(answer);
}

bool Session::close_next() {
  if (!file_) return false;
  closed(true);
  return true;
}

bool Session::idle() const { return !pending_ && output_.size() == 0 && (finished() || !under_way()); }

std::optional<Session::Reply> Session::take_reply(std::string_view name) {
  if (input_.size() == 0) return eof_ ? std::optional(Reply::lost) : std::nullopt;
  const auto code = std::to_integer<int>(input_.bytes()[0]);
  if (code == 0) {
    input_.consume(1);
    return Reply::ok;
  }
  if (code > 2) return Reply::unknown;
  auto line = take_line();
  if (!line && line.error() == NoLine::waits) return {};
  if (!line) return line.error() == NoLine::lost ? Reply::lost : Reply::unknown;
  client_complained(name, line->substr(1));
  return code == 1 ? Reply::error : Reply::fatal;
}

std::expected<std::string, Session::NoLine> Session::take_line() {
  const auto bytes = input_.bytes();
  const auto within = bytes.first(std::min(bytes.size(), longest_line));
  const auto end = std::ranges::find(within, std::byte{'\n'});
  if (end == within.end()) {
    if (within.size() == longest_line) return std::unexpected(NoLine::too_long);
    return std::unexpected(eof_ ? NoLine::lost : NoLine::waits);
  }
  const auto size = static_cast<std::size_t>(end - within.begin());
  std::string line(reinterpret_cast<const char*>(within.data()), size);
  input_.consume(size + 1);
  return line;
}

void Session::send(std::string_view text) {
  output_.append(text);
  output_.commit();
}

void Session::complain(std::string_view name, std::string_view text) {
  failed_ = true;
  send(fmt::format("\1scp: {}{}{}\n", name_told(name), name.empty() ? "" : ": ", text));
  events_.push_back(event::Failed{std::string(name), std::string(text), false});
}

void Session::complain_of_protocol(std::string_view why) {
  complain("", fmt::format("protocol error: {}", why));
}

void Session::client_complained(std::string_view name, std::string text) {
  failed_ = true;
  events_.push_back(event::Failed{std::string(name), std::move(text), true});
}

void Session::opened(std::string name, bool write) {
  events_.push_back(event::Opened{name, write});
  file_ = Open{std::move(name)};
}

void Session::closed(bool forced) {
  auto file = std::exchange(file_, {});
  events_.push_back(event::Closed{std::move(file->name), file->read, file->written, forced});
}

}  // namespace scp
