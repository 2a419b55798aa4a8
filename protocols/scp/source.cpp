#include "protocols/scp/source.hpp"

#include <algorithm>
#include <cstring>

namespace scp {
namespace {

constexpr std::size_t most_unasked = 64 << 10;  // a script may send its answers ahead; each is a byte
constexpr std::size_t piece = 256 << 10, least_piece = 32 << 10;
constexpr std::size_t entries_at_once = 32;
constexpr std::size_t searched_at_once = 1000;  // entries: a large folder must not hold a worker for long
constexpr std::size_t deepest = 64;

constexpr std::uint32_t file_handle = 0, first_folder_handle = 1;

// The client wants a name for what it makes, and takes neither an empty one nor ".".
constexpr std::string_view name_of_root = "images";

std::string below(std::string_view folder, std::string_view name) {
  std::string text(folder);
  if (!text.ends_with('/')) text += '/';
  return text.append(name);
}

std::string_view without_slashes(std::string_view name) {
  return name.substr(0, std::max<std::size_t>(name.find_last_not_of('/') + 1, 1));
}

}  // namespace

Source::Source(Command command) : Session(most_unasked), command_(std::move(command)) {}

void Source::ask(Operation operation, void (Source::*then)(const Answer&)) {
  then_ = then;
  begin(std::move(operation));
}

bool Source::step() {
  if (state_ == State::next) {
    next();
    return true;
  }
  if (state_ == State::data) {
    send_data();
    return true;
  }
  return hear();
}

bool Source::hear() {
  const auto reply = take_reply(state_ == State::begins ? std::string_view{} : item_.name);
  if (!reply) return false;
  if (*reply == Reply::ok || *reply == Reply::error) {
    heard(*reply == Reply::ok);
  } else {
    if (*reply == Reply::unknown) complain_of_protocol("expected an answer");
    if (*reply == Reply::lost) client_complained(item_.name, "lost connection");
    count_failure();
    finish();
  }
  return true;
}

void Source::heard(bool ok) {
  switch (state_) {
    case State::times:
      return ok ? send_file_record() : close_file(State::next);
    case State::record:
      if (!ok) return close_file(State::next);
      state_ = State::data;
      return;
    case State::directory_times:
      return ok ? send_directory_record() : leave_directory(false);
    case State::directory:
      if (!ok) return leave_directory(false);
      state_ = State::next;
      return;
    default:  // an error is counted, and nothing is left to be skipped
      state_ = State::next;
  }
}

void Source::next() {
  if (!folders_.empty()) return next_entry();
  search_ ? next_found() : next_name();
}

void Source::next_entry() {
  auto& folder = folders_.back();
  if (folder.next == folder.entries.size()) {
    if (folder.read) return leave_directory(true);
    return ask(ReadDirectory{folder_handle(), entries_at_once}, &Source::directory_read);
  }
  auto& entry = folder.entries[folder.next++];
  Item item{below(folder.item.name, entry.name), {}, {}};
  if (!storage::Path::is_component(entry.name)) {
    return complain(item.name, text_of(std::make_error_code(std::errc::invalid_argument)));
  }
  item.path = folder.item.path / entry.name;
  if (entry.attributes.kind != storage::Kind::link) item.attributes = entry.attributes;
  start(std::move(item));
}

void Source::next_name() {
  if (next_name_ == command_.names.size()) return finish();
  const auto& name = command_.names[next_name_++];
  if (!name.pattern.empty() && search(name)) return;
  const auto path = storage::Path::parse(name.text);
  if (!path) return complain(name.text, text_of(error_of(path.error())));
  start({std::string(without_slashes(name.text)), *path, {}});
}

// False when the pattern is not in the last component alone: then the name is taken as it is.
bool Source::search(const Name& name) {
  const auto slash = name.pattern.rfind('/');
  const auto folder = name.text.substr(0, name.text.rfind('/') + 1);
  if (folder != name.pattern.substr(0, slash + 1)) return false;
  const auto path = storage::Path::parse(folder.empty() ? "." : folder);
  if (!path) return false;
  search_ = Search{name.text, folder, *path, std::make_shared<NameSearch>(name.pattern.substr(slash + 1))};
  ask(OpenDirectory{first_folder_handle, *path}, &Source::search_opened);
  return true;
}

void Source::search_opened(const Answer& answer) {
  if (error_of(answer)) return search_over(answer);
  ask(FindNames{first_folder_handle, searched_at_once, search_->found}, &Source::search_read);
}

void Source::search_read(const Answer& answer) {
  const auto* looked_at = std::get_if<std::size_t>(&answer);
  if (looked_at && *looked_at > 0 && !search_->found->too_many())
    return ask(FindNames{first_folder_handle, searched_at_once, search_->found}, &Source::search_read);
  ask(CloseOpen{first_folder_handle}, &Source::search_over);
}

void Source::search_over(const Answer&) {
  const bool too_many = search_->found->too_many();
  if (!too_many && search_->found->size() > 0) return;  // next_found() goes on
  const auto name = std::exchange(search_, {})->name;
  if (too_many) return complain(name, text_of(std::make_error_code(std::errc::argument_list_too_long)));
  const auto path = storage::Path::parse(name);  // a shell leaves a name without a match as it is
  if (!path) return complain(name, text_of(error_of(path.error())));
  start({name, *path, {}});
}

void Source::next_found() {
  auto& search = *search_;
  if (search.next == search.found->size()) {
    search_.reset();
    return;
  }
  const std::string name((*search.found)[search.next++]);
  start({search.folder + name, search.path / name, {}});
}

void Source::start(Item item) {
  item_ = std::move(item);
  if (item_.attributes) return start_kind();
  ask(Examine{item_.path, storage::Links::follow}, &Source::examined);
}

void Source::examined(const Answer& answer) {
  if (const auto error = error_of(answer)) return complain(item_.name, text_of(*error));
  item_.attributes = std::get<storage::Attributes>(answer);
  start_kind();
}

void Source::start_kind() {
  const auto kind = item_.attributes->kind;
  if (kind == storage::Kind::file) return ask(OpenToRead{file_handle, item_.path}, &Source::file_opened);
  if (kind == storage::Kind::directory && command_.recursive) return start_directory();
  complain(item_.name, "not a regular file");
}

void Source::file_opened(const Answer& answer) {
  if (const auto error = error_of(answer)) return complain(item_.name, text_of(*error));
  opened(item_.name, false);
  ask(ExamineOpen{file_handle}, &Source::file_examined);
}

void Source::file_examined(const Answer& answer) {
  if (const auto error = error_of(answer)) {
    complain(item_.name, text_of(*error));
    return close_file(State::next);
  }
  item_.attributes = std::get<storage::Attributes>(answer);
  size_ = item_.attributes->size;
  offset_ = 0;
  trouble_.clear();
  if (!command_.preserves_times) return send_file_record();
  send(times_record(*item_.attributes));
  state_ = State::times;
}

void Source::send_file_record() {
  send(file_record(*item_.attributes, sent_name()));
  state_ = State::record;
}

void Source::send_data() {
  if (offset_ == size_) return close_file(State::status);
  const auto most = room() < enough_output ? least_piece : piece;
  room_ = output_.grow(static_cast<std::size_t>(std::min<std::uint64_t>(size_ - offset_, most)));
  if (!trouble_.empty()) return pad();
  ask(ReadOpen{file_handle, offset_, room_}, &Source::data_read);
}

void Source::data_read(const Answer& answer) {
  const auto* read = std::get_if<std::size_t>(&answer);
  if (!read || *read == 0) {  // a file that became shorter ends before its size
    const auto error = error_of(answer).value_or(std::make_error_code(std::errc::io_error));
    trouble_ = text_of(error);
    return pad();
  }
  output_.shrink(room_.size() - *read);
  output_.commit();
  offset_ += *read;
  file_->read += *read;
}

// The client counts bytes until it takes an error for one.
void Source::pad() {
  std::memset(room_.data(), 0, room_.size());
  output_.commit();
  offset_ += room_.size();
}

void Source::close_file(State then) {
  after_close_ = then;
  ask(CloseOpen{file_handle}, &Source::file_closed);
}

void Source::file_closed(const Answer&) {
  closed(false);
  state_ = after_close_;
  if (state_ != State::status) return;
  if (trouble_.empty()) return send_ok();
  complain(item_.name, trouble_);
}

void Source::start_directory() {
  if (is_open(*item_.attributes)) {
    return complain(item_.name, text_of(std::make_error_code(std::errc::too_many_symbolic_link_levels)));
  }
  if (folders_.size() == deepest) {
    return complain(item_.name, text_of(std::make_error_code(std::errc::filename_too_long)));
  }
  folders_.push_back({item_, {}});
  ask(OpenDirectory{folder_handle(), item_.path}, &Source::directory_opened);
}

// A link to a folder above would never end.
bool Source::is_open(const storage::Attributes& attributes) const {
  if (attributes.version.number == 0) return false;
  return std::ranges::any_of(folders_, [&](const Folder& folder) {
    const auto& version = folder.item.attributes->version;
    return version.device == attributes.version.device && version.number == attributes.version.number;
  });
}

std::uint32_t Source::folder_handle() const {
  return first_folder_handle + static_cast<std::uint32_t>(folders_.size() - 1);
}

void Source::directory_opened(const Answer& answer) {
  if (const auto error = error_of(answer)) {
    folders_.pop_back();
    return complain(item_.name, text_of(*error));
  }
  if (!command_.preserves_times) return send_directory_record();
  send(times_record(*item_.attributes));
  state_ = State::directory_times;
}

void Source::send_directory_record() {
  send(directory_record(*item_.attributes, sent_name()));
  state_ = State::directory;
}

void Source::directory_read(const Answer& answer) {
  auto& folder = folders_.back();
  if (const auto error = error_of(answer)) {
    complain(folder.item.name, text_of(*error));
    folder.read = true;
    return;
  }
  folder.entries = std::get<std::vector<storage::Entry>>(answer);
  folder.next = 0;
  folder.read = folder.entries.empty();
}

void Source::leave_directory(bool with_end) {
  ask(CloseOpen{folder_handle()}, with_end ? &Source::directory_left : &Source::directory_dropped);
}

void Source::directory_left(const Answer&) {
  item_ = std::move(folders_.back().item);
  folders_.pop_back();
  send("E\n");
  state_ = State::directory_end;
}

void Source::directory_dropped(const Answer&) {
  folders_.pop_back();
  state_ = State::next;
}

std::string Source::sent_name() const {
  return visible(item_.path.is_root() ? name_of_root : item_.path.name());
}

}  // namespace scp
