"""Line charts as SVG files."""
import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 70, 30, 20, 50
COLOURS = ('#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#8c564b')
_TEXT = (u'<text x="{:.0f}" y="{:.0f}" text-anchor="{}" '
         u'fill="{}">{}</text>')


def draw_chart(path, title, x_label, y_label, lines, logarithmic=False):
    """Draw a line chart into a file.

    :param x_label: unit of the x axis.
    :param y_label: unit of the y axis.
    :param lines: for each name a list of (x, y); all have the same x.
    :param logarithmic: whether both axes are logarithmic.
    """
    def scale(value, lowest, highest, begin, length):
        if logarithmic:
            value, lowest, highest = [
                math.log10(number) for number in (value, lowest, highest)]
        return begin + length * (value - lowest) / (highest - lowest)

    points = [point for line in lines.values() for point in line]
    xs = sorted(set(x for x, _ in points))
    highest = max(y for _, y in points)
    if logarithmic:
        lowest = 10.0 ** math.floor(math.log10(min(y for _, y in points)))
        highest = 10.0 ** math.ceil(math.log10(highest))
        ys = [lowest * 10 ** n for n in range(
            int(round(math.log10(highest / lowest))) + 1)]
    else:
        highest = max(highest, 1)
        step = 10.0 ** math.floor(math.log10(highest))
        lowest, highest = 0, step * math.ceil(highest / step)
        ys = [step * n for n in range(int(round(highest / step)) + 1)]

    def locate(x, y):
        return (scale(x, xs[0], xs[-1], LEFT, WIDTH - LEFT - RIGHT),
                scale(y, lowest, highest, HEIGHT - BOTTOM,
                      TOP + BOTTOM - HEIGHT))

    parts = [_TEXT.format(WIDTH / 2, 18, 'middle', '#000', title),
             _TEXT.format(WIDTH / 2, HEIGHT - 8, 'middle', '#000', x_label),
             _TEXT.format(8, TOP - 8, 'start', '#000', y_label)]
    for y in ys:
        _, height = locate(xs[0], y)
        parts.append(u'<path d="M{} {:.1f}H{}" stroke="#ddd"/>'.format(
            LEFT, height, WIDTH - RIGHT))
        parts.append(_TEXT.format(
            LEFT - 6, height + 4, 'end', '#000', '{:,g}'.format(y)))
    for x in xs:
        parts.append(_TEXT.format(
            locate(x, ys[0])[0], HEIGHT - BOTTOM + 18, 'middle', '#000',
            '{:,g}'.format(x)))
    for row, (name, line) in enumerate(lines.items()):
        colour = COLOURS[row]
        parts.append(
            u'<polyline fill="none" stroke-width="2" stroke="{}" '
            u'points="{}"/>'.format(colour, ' '.join(
                '{:.1f},{:.1f}'.format(*locate(*point))
                for point in line)))
        parts.append(_TEXT.format(
            LEFT + 12, TOP + 16 + 16 * row, 'start', colour, name))
    with open(path, 'wb') as file:
        file.write(
            (u'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" '
             u'font-family="sans-serif" font-size="12">\n'
             u'<rect width="100%" height="100%" fill="#fff"/>\n{}\n</svg>\n'
             ).format(WIDTH, HEIGHT, u'\n'.join(parts)).encode('utf-8'))
