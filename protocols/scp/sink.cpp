#include "protocols/scp/sink.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace scp {
namespace {

// A client may fill its whole window (1.28 MB in libssh) with a file before we have written any of it.
constexpr std::size_t most_input = 2 << 20;
constexpr std::size_t piece = 256 << 10;
constexpr std::size_t deepest = 64;
constexpr std::size_t longest_component = 255;  // bytes

constexpr std::uint32_t file_handle = 0;

bool is_hostile(std::string_view name) {
  return name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos;
}

}  // namespace

Sink::Sink(Command command, bool may_write, std::string why_not)
    : Session(most_input),
      command_(std::move(command)),
      may_write_(may_write),
      why_not_(std::move(why_not)) {}

void Sink::ask(Operation operation, void (Sink::*then)(const Answer&)) {
  then_ = then;
  begin(std::move(operation));
}

bool Sink::step() {
  switch (state_) {
    case State::begins: {
      start();
      return true;
    }
    case State::record:
      return read_record();
    case State::data:
      return take_data();
    case State::status:
      return take_status();
  }
  return false;
}

void Sink::start() {
  const auto& name = command_.names[0].text;
  if (!may_write_) {
    send_ok();
    state_ = State::record;
    return;
  }
  if (command_.names.size() > 1) {
    complain("", "ambiguous target");
    return finish();
  }
  const auto path = storage::Path::parse(name);
  if (!path) {
    complain(name, text_of(error_of(path.error())));
    return finish();
  }
  targets_.push_back({name, *path});
  ask(Examine{*path, storage::Links::follow}, &Sink::target_examined);
}

void Sink::target_examined(const Answer& answer) {
  const auto* attributes = std::get_if<storage::Attributes>(&answer);
  folder().is_directory = attributes && attributes->kind == storage::Kind::directory;
  if (command_.into_directory && !folder().is_directory) {
    const auto error = error_of(answer).value_or(std::make_error_code(std::errc::not_a_directory));
    complain(folder().name, text_of(error));
    return finish();
  }
  send_ok();
  state_ = State::record;
}

bool Sink::read_record() {
  if (input_.size() == 0) {
    if (eof_) finish();
    return eof_;
  }
  const auto line = take_line();
  if (!line) {
    if (line.error() == NoLine::waits) return false;
    complain_of_protocol(line.error() == NoLine::lost ? "lost connection" : "line too long");
    finish();
    return true;
  }
  if (line->starts_with('\1')) {
    client_complained("", line->substr(1));
    return true;
  }
  if (line->starts_with('\2')) {
    client_complained("", line->substr(1));
    finish();
    return true;
  }
  // Not at once: pscp takes an early end for a broken connection, and shows no text. The client goes on with
  // its next file.
  if (!may_write_ && !line->starts_with('T')) {
    complain(command_.names[0].text, why_not_);
    return true;
  }
  const auto record = parse_record(*line);
  if (!record) {
    complain_of_protocol(record.error());
    finish();
    return true;
  }
  std::visit([this](const auto& each) { take(each); }, *record);
  return true;
}

void Sink::take(const Times& times) {
  times_ = times;
  send_ok();
}

// OpenSSH's sink, too, takes one that ends no directory for the end of all.
void Sink::take(DirectoryEnd) {
  send_ok();
  if (targets_.size() == 1) return finish();
  const auto left = std::move(targets_.back());
  targets_.pop_back();
  times_.reset();
  if (left.times) ask(SetTimes{left.path, *left.times}, &Sink::directory_times_set);
}

void Sink::directory_times_set(const Answer&) {}  // no client asks what became of them

// Where the client's `name` belongs. Nothing when that was refused already.
std::optional<Sink::Target> Sink::destination(const std::string& name) {
  if (is_hostile(name)) {
    complain("", fmt::format("error: unexpected filename: {}", visible(name)));
    finish();
    return {};
  }
  if (!folder().is_directory) return folder();
  Target target{folder().name, {}};
  if (!target.name.ends_with('/')) target.name += '/';
  target.name += name;
  const bool too_long = name.size() > longest_component;
  if (too_long || !storage::Path::is_component(name)) {
    const auto error = too_long ? std::errc::filename_too_long : std::errc::invalid_argument;
    complain(target.name, text_of(std::make_error_code(error)));
    times_.reset();
    return {};
  }
  target.path = folder().path / name;
  return target;
}

void Sink::take(const DirectoryRecord& record) {
  if (!command_.recursive) {
    complain_of_protocol("received directory without -r");
    return finish();
  }
  auto target = destination(record.name);
  if (!target) return;
  current_ = std::move(*target);
  current_.times = std::exchange(times_, {});
  if (targets_.size() > deepest) {
    return complain(current_.name, text_of(std::make_error_code(std::errc::filename_too_long)));
  }
  ask(MakeDirectory{current_.path}, &Sink::made);
}

void Sink::made(const Answer& answer) {
  const auto error = error_of(answer);
  if (!error) return enter();
  refused_ = *error;  // perhaps only because it is there
  ask(Examine{current_.path, storage::Links::follow}, &Sink::in_the_way);
}

void Sink::in_the_way(const Answer& answer) {
  const auto* attributes = std::get_if<storage::Attributes>(&answer);
  if (attributes && attributes->kind == storage::Kind::directory) return enter();
  if (attributes) refused_ = std::make_error_code(std::errc::not_a_directory);
  complain(current_.name, text_of(refused_));
}

void Sink::enter() {
  current_.is_directory = true;
  targets_.push_back(std::move(current_));
  send_ok();
}

void Sink::take(const FileRecord& record) {
  auto target = destination(record.name);
  if (!target) return;
  current_ = std::move(*target);
  current_.times = std::exchange(times_, {});
  if (!folder().is_directory && current_.name.ends_with('/')) {
    return complain(current_.name, text_of(std::make_error_code(std::errc::is_a_directory)));
  }
  size_ = record.size;
  ask(CreateNew{file_handle, current_.path, size_}, &Sink::created);
}

// A client that is told of an error here does not send the file.
void Sink::created(const Answer& answer) {
  if (const auto error = error_of(answer)) return complain(current_.name, text_of(*error));
  opened(current_.name, true);
  offset_ = 0;
  trouble_.clear();
  send_ok();
  state_ = State::data;
}

bool Sink::take_data() {
  if (offset_ == size_) {
    state_ = State::status;
    return true;
  }
  const auto waiting = input_.bytes();
  if (waiting.empty()) {
    if (!eof_) return false;
    complain(current_.name, "dropped connection");
    break_off();
    return true;
  }
  writing_ = static_cast<std::size_t>(std::min<std::uint64_t>({size_ - offset_, waiting.size(), piece}));
  if (file_) {
    input_.pin();
    ask(WriteOpen{file_handle, offset_, waiting.first(writing_)}, &Sink::wrote);
  } else {
    input_.consume(writing_);
    offset_ += writing_;
  }
  return true;
}

void Sink::wrote(const Answer& answer) {
  input_.consume(writing_);
  input_.unpin();
  offset_ += writing_;
  if (const auto error = error_of(answer)) {
    trouble_ = text_of(*error);
    return abandon(&Sink::write_abandoned);
  }
  file_->written += writing_;
}

void Sink::write_abandoned(const Answer&) { closed(true); }  // the rest of it is swallowed

bool Sink::take_status() {
  // libssh2 ends the channel in the place of its word: the file is whole, and OpenSSH keeps it too.
  if (eof_ && input_.size() == 0) {
    take_good_status();
    return true;
  }
  const auto reply = take_reply(current_.name);
  if (!reply) return false;
  switch (*reply) {
    case Reply::ok:
      take_good_status();
      break;
    case Reply::error:
      if (trouble_.empty()) {
        abandon(&Sink::given_up);
      } else {
        file_over(Done{});
      }
      break;
    case Reply::lost:
      complain(current_.name, "dropped connection");
      break_off();
      break;
    case Reply::unknown:
      complain_of_protocol("more data than announced");
      break_off();
      break;
    case Reply::fatal:
      break_off();
  }
  return true;
}

void Sink::take_good_status() {
  if (!trouble_.empty()) return file_over(Done{});
  if (current_.times) return ask(SetTimesOpen{file_handle, *current_.times}, &Sink::times_set);
  ask(CloseOpen{file_handle}, &Sink::published);
}

void Sink::times_set(const Answer& answer) {
  if (const auto error = error_of(answer)) trouble_ = fmt::format("set times: {}", text_of(*error));
  ask(CloseOpen{file_handle}, &Sink::published);
}

void Sink::published(const Answer& answer) {
  const auto error = error_of(answer);
  if (error) trouble_ = text_of(*error);
  file_over(answer);
}

// The client waits for a word, even when it was the one who complained.
void Sink::file_over(const Answer& answer) {
  if (file_) closed(error_of(answer).has_value());
  if (trouble_.empty()) {
    send_ok();
  } else {
    complain(current_.name, trouble_);
  }
  state_ = State::record;
}

void Sink::given_up(const Answer&) {
  closed(true);
  file_over(Done{});
}

void Sink::abandon(void (Sink::*then)(const Answer&)) { ask(AbandonFile{file_handle}, then); }

void Sink::break_off() {
  count_failure();
  if (file_) return abandon(&Sink::end);
  finish();
}

void Sink::end(const Answer&) {
  closed(true);
  finish();
}

}  // namespace scp
