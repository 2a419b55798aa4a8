#include "server/shared_image.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "storage/path.hpp"
#include "storage/root.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

tftp::Negotiated blocks_of(std::uint16_t size) {
  tftp::Negotiated negotiated;
  negotiated.block_size = size;
  return negotiated;
}

struct Images {
  test::TempDir directory;
  SharedImages images;

  storage::File open() {
    return std::move(
        storage::Root::open(directory.path())->open_file(storage::Path::parse("/image").value()).value());
  }
  std::shared_ptr<SharedImage> share(std::uint16_t block_size = 512) {
    auto file = open();
    return images.share(file, blocks_of(block_size));
  }
};

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
  REQUIRE(old->packet({1, 1, 0, 512}, run));
  house.directory.write("image", std::string(5000, 'y'));
  const auto present = house.share();
  REQUIRE(present != old);
  std::shared_ptr<SharedImage::Run> another;
  CHECK(bytes_of(present->packet({1, 1, 0, 512}, another).value()) == std::string(512, 'y'));
}

TEST_CASE("transfers at the same place share what was read, and each goes on alone") {
  Images house;
  std::string content;
  for (int i = 0; content.size() < 40'000; ++i) content += std::to_string(i);
  house.directory.write("image", content);
  const auto image = house.share();
  std::shared_ptr<SharedImage::Run> ahead, behind;
  for (std::uint64_t block = 1; block <= content.size() / 512; ++block) {
    const auto offset = (block - 1) * 512;
    const auto packet = image->packet({block, 1, offset, 512}, ahead).value();
    CHECK(tftp::number_at(packet, 2) == block);
    CHECK(bytes_of(packet) == content.substr(offset, 512));
    if (block > 20) {  // another run, by now
      const auto late = image->packet({block - 20, 1, offset - 20 * 512, 512}, behind).value();
      CHECK(bytes_of(late) == content.substr(offset - 20 * 512, 512));
    }
  }
  std::shared_ptr<SharedImage::Run> third;
  REQUIRE(image->packet({21, 1, 20 * 512, 512}, third));
  REQUIRE(image->packet({22, 1, 21 * 512, 512}, behind));
  CHECK(third == behind);
}

TEST_CASE("an empty file has one packet, without a byte") {
  Images house;
  house.directory.write("image", "");
  std::shared_ptr<SharedImage::Run> run;
  const auto packet = house.share()->packet({1, 1, 0, 0}, run).value();
  REQUIRE(packet.size() == tftp::data_header_size);
  CHECK(tftp::number_at(packet, 2) == 1);
}

TEST_CASE("what the file does not hold is no packet") {
  Images house;
  house.directory.write("image", std::string(700, 'x'));
  const auto image = house.share();
  std::shared_ptr<SharedImage::Run> run;
  CHECK(image->packet({2, 1, 512, 188}, run));
  CHECK_FALSE(image->packet({2, 1, 512, 189}, run));
  CHECK_FALSE(house.share(8192)->packet({1, 1, 0, 700}, run));  // too large to be read ahead
}
