#include "server/tftp/shared_image.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "server/tftp/blocks.hpp"
#include "storage/files/path.hpp"
#include "storage/files/root.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

tftp::Negotiated blocks_of(std::uint16_t size, std::uint16_t window) {
  tftp::Negotiated negotiated;
  negotiated.block_size = size;
  negotiated.window = window;
  return negotiated;
}

struct Images {
  test::TempDir directory;
  SharedImages images;

  storage::File open() {
    return std::move(
        storage::Root::open(directory.path())->open_file(storage::Path::parse("/image").value()).value());
  }
  std::shared_ptr<SharedImage> share(std::uint16_t block_size = 512, std::uint16_t window = 1) {
    auto file = open();
    return images.share(file, blocks_of(block_size, window));
  }
};

// No two blocks of it are alike.
std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i);
  return text;
}

std::string bytes_of(PacketLayout::Packets packet) {
  return {reinterpret_cast<const char*>(packet.data()) + tftp::data_header_size,
          packet.size() - tftp::data_header_size};
}

}  // namespace

TEST_CASE("transfers of one image share it, in blocks of the same size") {
  Images house;
  house.directory.write("image", std::string(5000, 'x'));
  const auto first = house.share();
  CHECK(house.share() == first);
  CHECK(house.share(1428) != first);
}

TEST_CASE("a file that was left is closed, and a new one is opened") {
  Images house;
  house.directory.write("image", "x");
  const std::weak_ptr<SharedImage> gone = house.share();
  CHECK(gone.expired());
  CHECK(house.share());
}

TEST_CASE("a file that was written to is another image, even with the same size") {
  Images house;
  house.directory.write("image", std::string(5000, 'x'));
  const auto old = house.share();
  std::shared_ptr<SharedImage::Run> run;
  REQUIRE(old->packets({1, 1, 0, 512}, run));
  house.directory.write("image", std::string(5000, 'y'));
  const auto present = house.share();
  REQUIRE(present != old);
  std::shared_ptr<SharedImage::Run> another;
  CHECK(bytes_of(present->packets({1, 1, 0, 512}, another).value()) == std::string(512, 'y'));
}

TEST_CASE("transfers at the same place share what was read, and each goes on alone") {
  Images house;
  const auto content = numbers(40'000);
  house.directory.write("image", content);
  const auto image = house.share();
  std::shared_ptr<SharedImage::Run> ahead, behind;
  for (std::uint64_t block = 1; block <= content.size() / 512; ++block) {
    const auto offset = (block - 1) * 512;
    const auto packet = image->packets({block, 1, offset, 512}, ahead).value();
    CHECK(tftp::number_at(packet, 2) == block);
    CHECK(bytes_of(packet) == content.substr(offset, 512));
    if (block > 20) {  // another run, by now
      const auto late = image->packets({block - 20, 1, offset - 20 * 512, 512}, behind).value();
      CHECK(bytes_of(late) == content.substr(offset - 20 * 512, 512));
    }
  }
  std::shared_ptr<SharedImage::Run> third;
  REQUIRE(image->packets({21, 1, 20 * 512, 512}, third));
  REQUIRE(image->packets({22, 1, 21 * 512, 512}, behind));
  CHECK(third == behind);
}

TEST_CASE("an empty file has one packet, without a byte") {
  Images house;
  house.directory.write("image", "");
  std::shared_ptr<SharedImage::Run> run;
  const auto packet = house.share()->packets({1, 1, 0, 0}, run).value();
  REQUIRE(packet.size() == tftp::data_header_size);
  CHECK(tftp::number_at(packet, 2) == 1);
}

TEST_CASE("what the file does not hold is no packet") {
  Images house;
  house.directory.write("image", std::string(700, 'x'));
  const auto image = house.share();
  std::shared_ptr<SharedImage::Run> run;
  CHECK(image->packets({2, 1, 512, 188}, run));
  CHECK_FALSE(image->packets({2, 1, 512, 189}, run));
}

TEST_CASE("what the file did not hold is looked for again, without what it held") {
  Images house;
  house.directory.write("image", std::string(1400, 'x'));
  const auto image = house.share();
  std::shared_ptr<SharedImage::Run> run;
  REQUIRE(image->packets({2, 1, 512, 512}, run));
  std::ofstream(house.directory.path() / "image", std::ios::in)
      << std::string(700, 'y') << std::string(836, 'z');
  CHECK(bytes_of(image->packets({2, 1, 512, 512}, run).value()) == std::string(512, 'x'));
  CHECK(bytes_of(image->packets({3, 1, 1024, 512}, run).value()) == std::string(512, 'z'));
}

TEST_CASE("a window comes from memory, unless it crosses from one run to the next") {
  Images house;
  const auto content = numbers(200'000);
  house.directory.write("image", content);
  const auto image = house.share(1428, 16);
  std::shared_ptr<SharedImage::Run> run;
  for (std::uint64_t block = 1; block + 16 <= content.size() / 1428; ++block) {
    const auto offset = (block - 1) * 1428;
    const auto packets = image->packets({block, 16, offset, std::uint64_t{16} * 1428}, run);
    CHECK(packets.has_value() == ((block - 1) % 32 + 16 <= 32));
    if (!packets) continue;
    REQUIRE(packets->size() == 16 * 1432);
    for (std::size_t i = 0; i < 16; ++i) {
      const auto packet = packets->subspan(i * 1432, 1432);
      CHECK(tftp::number_at(packet, 2) == block + i);
      CHECK(bytes_of(packet) == content.substr(offset + i * 1428, 1428));
    }
  }
}

TEST_CASE("packets that no run holds two of, and windows longer than a run, are left to others") {
  Images house;
  house.directory.write("image", std::string(200'000, 'x'));
  std::shared_ptr<SharedImage::Run> none, some;
  CHECK_FALSE(house.share(65'464)->packets({1, 1, 0, 65'464}, none));
  CHECK_FALSE(house.share(1428, 64)->packets({1, 64, 0, std::uint64_t{64} * 1428}, none));
  CHECK(house.share(8192)->packets({1, 1, 0, 8192}, some));
  CHECK_FALSE(none);
}

TEST_CASE("there are so many long runs and not more, and whoever is silent holds none") {
  Images house;
  house.directory.write("image", "");
  constexpr std::uint64_t step = std::uint64_t{4} * 8192;  // a run of blocks of 8192
  std::filesystem::resize_file(house.directory.path() / "image", (LongRuns::most + 2) * step);
  const auto image = house.share(8192);
  std::vector<std::shared_ptr<SharedImage::Run>> runs(LongRuns::most - 1);
  std::uint64_t number = 0;
  const auto next = [&] {
    const tftp::SendData block{4 * number + 1, 1, number * step, 8192};
    ++number;
    return block;
  };
  for (auto& run : runs) REQUIRE(image->packets(next(), run));

  OctetBlocks transfer(image);
  const auto block = next();
  const auto another = next();
  std::shared_ptr<SharedImage::Run> late;
  REQUIRE(transfer.cached(block));
  CHECK_FALSE(image->packets(another, late));
  CHECK(transfer.cached(block)->size() == 8196);  // again: its client did not answer
  CHECK(image->packets(another, late));
  const tftp::SendData behind{block.block + 1, 1, block.offset + 8192, 8192};
  CHECK(transfer.cached(behind));  // and does so now, when there is none left
  late.reset();
  CHECK(transfer.cached({block.block + 2, 1, block.offset + 2 * 8192, 8192}));
  CHECK_FALSE(image->packets(another, late));
  CHECK(transfer.cached(block));  // a window that goes out in two batches is sent again
  CHECK(transfer.cached(behind));
  CHECK(image->packets(another, late));
}
