#include "server/commands/progress_bar.hpp"

#include "tests/unit/server/commands/command_run.hpp"

using server::ProgressBar;
using test::has;

namespace {

constexpr auto wiped = "\r\x1b[K";

// What a bar draws on a terminal when it is told one thing only; nothing where there are no terminals.
std::optional<std::string> drawn(std::uint64_t done, std::optional<std::uint64_t> total,
                                 const std::string& what = "a.zip") {
  test::Terminal terminal(stderr, 80);
  if (!terminal.works()) return {};
  {
    ProgressBar bar(what);
    bar.show(done, total);
  }
  return terminal.take();
}

std::string bar(std::size_t full, const std::string& rest) {
  return "\r[" + std::string(full, '#') + std::string(40 - full, ' ') + "] " + rest + "\x1b[K" + wiped;
}

}  // namespace

TEST_CASE("a bar shows how far its work is, and is wiped out at its end") {
  struct Row {
    std::uint64_t done, total;
    std::size_t full;
    const char* percent;
  };
  constexpr std::uint64_t large = 100'000'000'000'000;
  for (const auto& [done, total, full, percent] :
       {Row{0, 1000, 0, "  0 % a.zip"}, Row{1, 1000, 0, "  0 % a.zip"}, Row{24, 1000, 0, "  2 % a.zip"},
        Row{25, 1000, 1, "  2 % a.zip"}, Row{500, 1000, 20, " 50 % a.zip"}, Row{999, 1000, 39, " 99 % a.zip"},
        Row{1000, 1000, 40, "100 % a.zip"}, Row{5000, 1000, 40, "100 % a.zip"},
        Row{large / 2, large, 20, " 50 % a.zip"}}) {
    const auto text = drawn(done, total);
    if (!text) return;
    CHECK(*text == bar(full, percent));
  }
}

TEST_CASE("without a total a bar shows the bytes") {
  for (const auto& [done, shown] :
       {std::pair(0ULL, "0.0 MB"), std::pair(49'999ULL, "0.0 MB"), std::pair(1'550'000ULL, "1.6 MB"),
        std::pair(2'000'000'000ULL, "2000.0 MB")}) {
    const auto text = drawn(done, {});
    if (!text) return;
    CHECK(*text == "\r" + std::string(shown) + " a.zip\x1b[K" + wiped);
  }
}

TEST_CASE("a bar that has nothing to show, or was told nothing, leaves the terminal alone") {
  const auto empty = drawn(0, 0);
  if (!empty) return;
  CHECK(empty->empty());
  test::Terminal terminal(stderr, 80);
  { const ProgressBar bar("a.zip"); }
  CHECK(terminal.take().empty());
}

TEST_CASE("a bar that is told often is drawn rarely") {
  test::Terminal terminal(stderr, 80);
  if (!terminal.works()) return;
  {
    ProgressBar bar("a.zip");
    for (std::uint64_t i = 0; i < 30; ++i) bar.show(i, 1000);
  }
  const auto text = terminal.take();
  std::size_t frames = 0;
  for (auto at = text.find("\r["); at != text.npos; at = text.find("\r[", at + 1)) ++frames;
  CHECK(frames >= 1);
  CHECK(frames < 30);  // unless each call takes a tenth of a second
}

TEST_CASE("nothing hostile of a file's name reaches the terminal") {
  const auto text = drawn(1, 2, "\x1b[2J\xe2\x80\xae\n");
  if (!text) return;
  CHECK(*text == bar(20, " 50 % \\x1b[2J\\u202e\\n"));
}

TEST_CASE("where nobody watches nothing is written") {
  test::Caught caught(stderr);
  {
    ProgressBar bar("a.zip");
    bar.show(1, 2);
    bar.show(1, {});
  }
  CHECK(caught.take().empty());
}
