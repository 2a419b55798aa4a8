#include "tests/unit/storage/archives/bad_readers.hpp"

#include <span>

#include "storage/archives/reader_ends.hpp"
#include "storage/archives/started_reader.hpp"

namespace test {
namespace {

using storage::FrameKind;

storage::FrameHeadBytes head_of(FrameKind kind, std::size_t size) {
  return storage::encoded(storage::FrameHead{kind, static_cast<std::uint32_t>(size)});
}

int break_off() {
  storage::give_answer(head_of(FrameKind::rejected, 100), {});
  return 0;
}

const BadReaders& readers() {
  static const BadReaders all = [] {
    BadReaders roles{
        {"ends", [] { return 3; }},
        {"babbles", [] { return say(static_cast<FrameKind>(99)); }},
        {"breaks off", break_off},
        {"has no memory", [] { return say(FrameKind::no_memory); }},
    };
    roles.merge(bad_readers_of_system());
    return roles;
  }();
  return all;
}

}  // namespace

int say(FrameKind kind, std::string_view text) {
  storage::give_answer(head_of(kind, text.size()), std::as_bytes(std::span(text)));
  return 0;
}

int run_bad_reader(std::string_view name) { return readers().at(name)(); }

std::vector<std::string> bad_reader(std::string_view name) {
  return {storage::own_program(), std::string(bad_reader_word), std::string(name)};
}

}  // namespace test
